package metric

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestRegister(t *testing.T) {
	counter := func(help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "test_total", Help: help}, []string{"account"})
	}
	reg := prometheus.NewRegistry()
	first := Register(reg, counter("Tests."))
	if again := Register(reg, counter("Tests.")); again != first {
		t.Error("the second is another")
	}
	if own := counter("Tests."); Register(nil, own) != own {
		t.Error("without a registry another is returned")
	}
	defer func() {
		if recover() == nil {
			t.Error("another metric of the same name is registered")
		}
	}()
	Register(reg, counter("Other tests."))
}
