package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// scaledObject and podMonitor are what the manifests use of kinds that are not Kubernetes' own, from KEDA's and the Prometheus
// operator's references.
type scaledObject struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       struct {
		ScaleTargetRef  struct{ Name string } `json:"scaleTargetRef"`
		MinReplicaCount int                   `json:"minReplicaCount"`
		MaxReplicaCount int                   `json:"maxReplicaCount"`
		PollingInterval int                   `json:"pollingInterval"`
		CooldownPeriod  int                   `json:"cooldownPeriod"`
		Fallback        struct{ FailureThreshold, Replicas int }
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

type podMonitor struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       struct {
		Selector            struct{ MatchLabels map[string]string } `json:"selector"`
		PodMetricsEndpoints []struct{ Port, Path, Interval string } `json:"podMetricsEndpoints"`
		PodTargetLabels     []string                                `json:"podTargetLabels"`
	} `json:"spec"`
}

// manifests are what kustomize makes of an installation, taken apart.
type manifests struct {
	deployments  map[string]*appsv1.Deployment
	statefulSets map[string]*appsv1.StatefulSet
	budgets      map[string]*policyv1.PodDisruptionBudget
	policies     map[string]*networkingv1.NetworkPolicy
	services     map[string]*corev1.Service
	hpas         map[string]*autoscalingv2.HorizontalPodAutoscaler
	configs      map[string]*corev1.ConfigMap
	scaled       map[string]*scaledObject
	kinds        map[string]int
}

// into reads one manifest; a field that its kind does not have is an error.
func into[T any](t *testing.T, m map[string]*T, name string, text []byte) {
	t.Helper()
	v := new(T)
	if err := yaml.UnmarshalStrict(text, v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	m[name] = v
}

// kustomize builds the example with these components in place of its own.
func kustomize(t *testing.T, components ...string) manifests {
	t.Helper()
	fs := filesys.MakeFsInMemory()
	tree := filepath.Join(root, "deploy/kubernetes")
	err := filepath.WalkDir(tree, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(tree, path)
		if rel == "example/kustomization.yaml" {
			head, rest, _ := strings.Cut(string(text), "components:\n")
			_, rest, _ = strings.Cut(rest, "\n\n")
			head += "components:\n"
			for _, c := range components {
				head += "  - ../components/" + c + "\n"
			}
			text = []byte(head + "\n" + rest)
		}
		return fs.WriteFile("/k/"+rel, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/k/example")
	if err != nil {
		t.Fatalf("kustomize: %v", err)
	}
	m := manifests{
		map[string]*appsv1.Deployment{},
		map[string]*appsv1.StatefulSet{},
		map[string]*policyv1.PodDisruptionBudget{},
		map[string]*networkingv1.NetworkPolicy{},
		map[string]*corev1.Service{},
		map[string]*autoscalingv2.HorizontalPodAutoscaler{},
		map[string]*corev1.ConfigMap{},
		map[string]*scaledObject{},
		map[string]int{},
	}
	for _, r := range built.Resources() {
		name, kind := r.GetName(), r.GetKind()
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		m.kinds[kind]++
		if ns := r.GetNamespace(); ns != "volley" {
			t.Errorf("%s %s is in the namespace %q", kind, name, ns)
		}
		switch kind {
		case "Deployment":
			into(t, m.deployments, name, text)
		case "StatefulSet":
			into(t, m.statefulSets, name, text)
		case "PodDisruptionBudget":
			into(t, m.budgets, name, text)
		case "NetworkPolicy":
			into(t, m.policies, name, text)
		case "Service":
			into(t, m.services, name, text)
		case "HorizontalPodAutoscaler":
			into(t, m.hpas, name, text)
		case "ConfigMap":
			into(t, m.configs, name, text)
		case "ServiceAccount":
			into(t, map[string]*corev1.ServiceAccount{}, name, text)
		case "ScaledObject":
			into(t, m.scaled, name, text)
		case "PodMonitor":
			into(t, map[string]*podMonitor{}, name, text)
		default:
			t.Errorf("%s %s: a kind that nothing here checks", kind, name)
		}
	}
	return m
}

func TestKubernetes_Manifests(t *testing.T) {
	for _, components := range [][]string{nil, {"redis"}, {"redis", "hpa"}, {"keda"}, {"redis", "keda", "metrics"}} {
		t.Run(strings.Join(append([]string{"base"}, components...), "+"), func(t *testing.T) {
			m := kustomize(t, components...)
			for _, role := range []string{"worker", "scheduler", "callbacks", "ui"} {
				d := m.deployments["volley-"+role]
				if d == nil {
					t.Fatalf("no deployment of %s", role)
				}
				checkPod(t, d.Name, &d.Spec.Template, d.Spec.Selector.MatchLabels)
				if b := m.budgets[d.Name]; role != "ui" && (b == nil || !selects(b.Spec.Selector.MatchLabels, d.Spec.Template.Labels)) {
					t.Errorf("%s: an upgrade of the nodes may take all of it at once", role)
				}
				if s := m.services[d.Name]; (role == "callbacks" || role == "ui") && (s == nil || !selects(s.Spec.Selector, d.Spec.Template.Labels)) {
					t.Errorf("%s: no service leads to it", role)
				}
			}
			if p := m.policies["volley-deny"]; p == nil || len(p.Spec.PolicyTypes) != 2 || len(p.Spec.Ingress)+len(p.Spec.Egress) != 0 {
				t.Error("what no policy names is allowed")
			}
			if s := m.statefulSets["volley-redis"]; s != nil {
				checkPod(t, s.Name, &s.Spec.Template, s.Spec.Selector.MatchLabels)
			}
			for _, s := range m.scaled {
				if s.Spec.ScaleTargetRef.Name != "volley-worker" || len(s.Spec.Triggers) == 0 {
					t.Error("KEDA scales nothing")
				}
			}
			for _, h := range m.hpas {
				if h.Spec.ScaleTargetRef.Name != "volley-worker" || len(h.Spec.Metrics) == 0 {
					t.Error("the autoscaler scales nothing")
				}
			}
			if scaled := len(m.scaled)+len(m.hpas) > 0; scaled != (m.deployments["volley-worker"].Spec.Replicas == nil) {
				t.Errorf("scaled is %v, and the deployment says a number of workers as well, or nobody does", scaled)
			}
		})
	}
}

// checkPod holds a pod to what the cluster's operator expects of it.
func checkPod(t *testing.T, name string, p *corev1.PodTemplateSpec, selector map[string]string) {
	t.Helper()
	if !selects(selector, p.Labels) {
		t.Errorf("%s: its selector does not select its pods", name)
	}
	if c := p.Spec.SecurityContext; c == nil || c.RunAsNonRoot == nil || !*c.RunAsNonRoot || c.SeccompProfile == nil {
		t.Errorf("%s: it may run as root, or without seccomp", name)
	}
	if a := p.Spec.AutomountServiceAccountToken; a == nil || *a {
		t.Errorf("%s: it is given a token of the cluster", name)
	}
	if g := p.Spec.TerminationGracePeriodSeconds; g == nil || *g < 30 {
		t.Errorf("%s: it is killed before it has recorded what is on the wire", name)
	}
	for _, c := range p.Spec.Containers {
		if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) == 0 {
			t.Errorf("%s: its container has rights that it does not need", name)
		}
		if c.ReadinessProbe == nil || c.LivenessProbe == nil {
			t.Errorf("%s: a probe is missing", name)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: no bound on its memory, or no request", name)
		}
		for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
			if probe != nil && probe.HTTPGet != nil && !hasPort(c, probe.HTTPGet.Port.String()) {
				t.Errorf("%s: a probe asks a port that is not there", name)
			}
		}
		for _, e := range c.Env {
			if e.Value != "" {
				t.Errorf("%s: %s has its value in the manifest", name, e.Name)
			}
		}
	}
}

func hasPort(c corev1.Container, name string) bool {
	for _, p := range c.Ports {
		if p.Name == name {
			return true
		}
	}
	return false
}

func selects(selector, of map[string]string) bool {
	return len(selector) > 0 && labels.SelectorFromSet(selector).Matches(labels.Set(of))
}
