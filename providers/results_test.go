package providers_test

import (
	"errors"
	"testing"

	"github.com/volleysms/volley/providers"
)

// TestRecycle: results that are given back come again as new ones, and those of somebody else's making never do.
func TestRecycle(t *testing.T) {
	failed := providers.Result{ID: "a", Code: "1", Err: &providers.Error{Kind: providers.Rejected}}
	for n := range 50 {
		a := providers.All(n, failed)
		if len(a) != n {
			t.Fatalf("got %d, want %d", len(a), n)
		}
		providers.Recycle(a)
		for _, r := range providers.All(n/2, providers.Result{ID: "b"}) {
			if r != (providers.Result{ID: "b"}) {
				t.Fatalf("got %+v", r)
			}
		}
	}
	own := make([]providers.Result, 2, 3)
	own[:3][2].Err = errors.New("of another making")
	providers.Recycle(own)
	providers.Recycle(nil)
	grown := append(providers.All(2, failed), failed)
	providers.Recycle(grown)
	for range 20 {
		a := providers.All(2, providers.Result{ID: "c"})
		if &a[0] == &own[0] || &a[0] == &grown[0] {
			t.Fatal("somebody else's results were given out")
		}
	}
}
