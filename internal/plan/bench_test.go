package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/volleysms/volley/internal/plan"
	"github.com/volleysms/volley/providers"
	"github.com/volleysms/volley/sms"
)

var sink []providers.Recipient

func BenchmarkPlan(b *testing.B) {
	// What no planner can save.
	b.Run("allocation_alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range 4 {
				sink = make([]providers.Recipient, 250)
			}
		}
	})
	literal := strings.Repeat("a", 131)
	fields := "Hi {{name}}, " + strings.Repeat("a", 110)
	tests := []struct {
		name, text string
		limits     providers.Limits
	}{
		{"literal", literal, providers.Limits{Recipients: 250, Bytes: 6000, BaseBytes: 200, RecipientBytes: 18, TextGrowth: providers.Percent}},
		{"one_text", fields, providers.Limits{Recipients: 250, Bytes: 6000, BaseBytes: 200, RecipientBytes: 18, TextGrowth: providers.Percent}},
		{"merge_fields", fields, providers.Limits{Recipients: 1000, Texts: providers.MergeFields, Bytes: 1 << 20, RecipientBytes: 30, ValueBytes: 3, TextGrowth: providers.JSON}},
		{"many_texts", fields, providers.Limits{Recipients: 500, Texts: providers.ManyTexts, Bytes: 1 << 20, RecipientBytes: 30, TextGrowth: providers.Hex16}},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			in := plan.Input{From: "Acme", Template: mustTemplate(b, tt.text)}
			for i := range 1000 {
				it := plan.Item{Index: i, To: sms.MSISDN(4520000000 + i*7919%100_003)}
				if !in.Template.Literal() {
					it.Values = []string{fmt.Sprint("N", i%100)}
				}
				in.Items = append(in.Items, it)
			}
			b.ReportAllocs()
			for b.Loop() {
				plan.Plan(in, tt.limits)
			}
		})
	}
}
