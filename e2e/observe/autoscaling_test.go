package observe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestAutoscaling asks what the components for Kubernetes ask of Prometheus: accounts that no worker would help are left out.
func TestAutoscaling(t *testing.T) {
	const components = root + "deploy/kubernetes/components/"
	var keda struct {
		Spec struct {
			Triggers []struct {
				Metadata struct{ Query string }
			}
		}
	}
	if err := yaml.Unmarshal(read(t, components+"keda/scaledobject.yaml"), &keda); err != nil || len(keda.Spec.Triggers) != 1 {
		t.Fatalf("%+v, %v", keda, err)
	}
	query := keda.Spec.Triggers[0].Metadata.Query
	var adapter strings.Builder // what is in the comment
	for line := range strings.Lines(string(read(t, components+"hpa/hpa.yaml"))) {
		adapter.WriteString(strings.TrimPrefix(line, "#         "))
	}
	if !strings.Contains(adapter.String(), query+"\n") {
		t.Errorf("prometheus-adapter does not ask what KEDA asks: %s", query)
	}
	type series struct{ Series, Values string }
	well := []series{
		{`volley_queue_oldest_seconds{priority="normal",account="dk"}`, "90x20"},
		{`volley_account_suspended{account="dk"}`, "0x20"},
		{`volley_account_down{account="dk"}`, "0x20"},
		{`volley_limiter_wait_seconds_sum{account="dk"}`, "0+1x20"},
		{`volley_call_seconds_sum{account="dk"}`, "0+60x20"},
	}
	ill := []series{
		{`volley_queue_oldest_seconds{priority="normal",account="refused"}`, "700x20"},
		{`volley_account_suspended{account="refused"}`, "1x20"},
		{`volley_queue_oldest_seconds{priority="normal",account="away"}`, "800x20"},
		{`volley_account_down{account="away"}`, "1x20"},
		{`volley_queue_oldest_seconds{priority="urgent",account="paced"}`, "900x20"},
		{`volley_limiter_wait_seconds_sum{account="paced"}`, "0+30x20"},
		{`volley_call_seconds_sum{account="paced"}`, "0+60x20"},
	}
	var tests []any
	ask := func(value int, all ...series) {
		var input []any
		for _, s := range all {
			input = append(input, map[string]string{"series": s.Series, "values": s.Values})
		}
		samples := []any{map[string]any{"labels": "{}", "value": value}}
		tests = append(tests, map[string]any{
			"interval": "1m", "input_series": input,
			"promql_expr_test": []any{map[string]any{"expr": query, "eval_time": "10m", "exp_samples": samples}},
		})
	}
	ask(90, append(well, ill...)...)
	ask(0, ill...)
	packed, err := yaml.Marshal(map[string]any{"evaluation_interval": "1m", "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "autoscaling_test.yml")
	if err := os.WriteFile(path, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", path)
}
