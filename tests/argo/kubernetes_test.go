package argo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// foreign are kinds that are no part of Kubernetes itself; their CRDs are their schemas.
var foreign = map[string]bool{"ScaledObject": true, "AnalysisTemplate": true, "ClusterAnalysisTemplate": true}

// image is the name that a user gives ours, in the kustomization that docs/argo.md has him write.
const image = "registry.example/serinus"

// built is what `kubectl apply -k` of that would send: Kubernetes' own objects, decoded without tolerance, and the others
// as text; all run the user's image.
func built(t *testing.T, directory string, components ...string) ([]runtime.Object, []object) {
	t.Helper()
	overlay := t.TempDir()
	text := "resources: [" + within(t, overlay, directory) + "]\ncomponents:\n"
	for _, component := range components {
		text += "  - " + within(t, overlay, component) + "\n"
	}
	text += "images: [{name: serinus, newName: " + image + "}]\n"
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var own []runtime.Object
	var others []object
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "image: serinus:") {
			t.Errorf("%s %s runs an image that is not the user's", resource.GetKind(), resource.GetName())
		}
		if foreign[resource.GetKind()] {
			others = append(others, object{directory, resource.GetKind(), text})
			continue
		}
		decoded, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%s %s: %v", resource.GetKind(), resource.GetName(), err)
		}
		own = append(own, decoded)
	}
	return own, others
}

// within is the path of a directory under deploy, as seen from another directory.
func within(t *testing.T, from string, directory string) string {
	t.Helper()
	to, err := filepath.Abs(filepath.Join(root, "deploy", directory))
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Rel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func of[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, each := range objects {
		if typed, ok := each.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// Every kustomization builds, and all that comes of it is what the official types and schemas know.
func TestKustomizations(t *testing.T) {
	crds := crdSchemas(t, filepath.Join(moduleDir(t, ".", "github.com/argoproj/argo-rollouts"), "manifests/crds/*-crd.yaml"))
	keda := moduleDir(t, "keda", "github.com/kedacore/keda/v2")
	maps.Copy(crds, crdSchemas(t, filepath.Join(keda, "config/crd/bases/keda.sh_*.yaml")))
	scaled, watch, alert := "kubernetes/keda", "kubernetes/rollouts", "kubernetes/alert"
	policy, token := "kubernetes/policy", "kubernetes/token"
	for _, each := range []struct {
		directory  string
		components []string
		count      int
	}{
		{"kubernetes/base", nil, 14},
		{"kubernetes/base", []string{scaled}, 15},
		{"kubernetes/base", []string{watch}, 19},
		{"kubernetes/base", []string{alert}, 16},
		{"kubernetes/base", []string{policy}, 15},
		{"kubernetes/base", []string{token}, 14},
		{"kubernetes/base", []string{alert, watch, scaled, policy, token}, 23},
		{"argo/analysis", nil, 6},
		{"argo/cluster", nil, 6},
	} {
		own, others := built(t, each.directory, each.components...)
		if len(own)+len(others) != each.count {
			t.Errorf("%s %s: %d objects, not %d", each.directory, each.components, len(own)+len(others), each.count)
		}
		for _, each := range others {
			checkAgainst(t, each, crds[each.kind])
		}
	}
}

// Each role has probes, resources, a budget, and a pod that the strictest of Kubernetes' own standards lets in.
func TestRoles(t *testing.T) {
	own, _ := built(t, "kubernetes/base")
	deployments := of[*appsv1.Deployment](own)
	if len(deployments) != 3 {
		t.Fatalf("%d Deployments", len(deployments))
	}
	for _, each := range deployments {
		pod := each.Spec.Template
		if !selects(t, each.Spec.Selector, pod.Labels) {
			t.Errorf("%s does not select its own pods", each.Name)
		}
		budgets := 0
		for _, budget := range of[*policyv1.PodDisruptionBudget](own) {
			if selects(t, budget.Spec.Selector, pod.Labels) {
				budgets++
			}
		}
		if budgets != 1 || *each.Spec.Replicas < 2 {
			t.Errorf("%s: %d budgets for %d replicas", each.Name, budgets, *each.Spec.Replicas)
		}
		main := pod.Spec.Containers[0]
		if main.LivenessProbe == nil || main.StartupProbe == nil || (main.ReadinessProbe == nil) != (main.Name != "serve") {
			t.Errorf("%s: probes", each.Name)
		}
		checkPod(t, each.Name, pod.Spec)
		if !mounts(pod.Spec, own) {
			t.Errorf("%s: a Secret that it mounts is not there", each.Name)
		}
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	made, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return made.Matches(labels.Set(of))
}

// checkPod: what the Pod Security Standard "restricted" asks for, and a root file system that nobody writes to.
func checkPod(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	if pod.SecurityContext == nil || !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser == 0 ||
		pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: security context of the pod", name)
	}
	if *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks || pod.HostNetwork || pod.HostPID {
		t.Errorf("%s: token, service links or the host's namespaces", name)
	}
	for _, each := range append(pod.InitContainers, pod.Containers...) {
		security := each.SecurityContext
		if security == nil || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem ||
			!slices.Contains(security.Capabilities.Drop, "ALL") {
			t.Errorf("%s/%s: security context", name, each.Name)
		}
		if each.Resources.Requests.Cpu().IsZero() || each.Resources.Requests.Memory().IsZero() || each.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s/%s: resources", name, each.Name)
		}
	}
}

// mounts says whether all Secrets that a pod mounts are among the objects.
func mounts(pod corev1.PodSpec, own []runtime.Object) bool {
	names := map[string]bool{}
	for _, secret := range of[*corev1.Secret](own) {
		names[secret.Name] = true
	}
	for _, volume := range pod.Volumes {
		if volume.Secret != nil && !names[volume.Secret.SecretName] {
			return false
		}
	}
	return true
}

// The Service, the policies and the address in the templates mean the same port of the same pods.
func TestAddresses(t *testing.T) {
	own, _ := built(t, "kubernetes/base")
	services := of[*corev1.Service](own)
	if len(services) != 1 {
		t.Fatalf("%d Services", len(services))
	}
	service := services[0]
	url := fmt.Sprintf("http://%s.%s.svc:%d", service.Name, service.Namespace, service.Spec.Ports[0].Port)
	for _, template := range templates(t) {
		for _, arg := range template.Spec.Args {
			if arg.Value != nil && strings.Contains(*arg.Value, "serinus") && !strings.HasPrefix(*arg.Value, url) {
				t.Errorf("%s: %s is not %s", template.Name, *arg.Value, url)
			}
		}
	}
	serves := 0
	for _, each := range of[*appsv1.Deployment](own) {
		if labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(each.Spec.Template.Labels)) {
			serves++
			if each.Spec.Template.Spec.Containers[0].Ports[0].Name != service.Spec.Ports[0].TargetPort.StrVal {
				t.Errorf("%s has no port %s", each.Name, service.Spec.Ports[0].TargetPort.StrVal)
			}
			if wait := each.Spec.Template.Spec.Containers[0].Lifecycle; wait == nil || each.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal != 0 {
				t.Errorf("%s: a restart would be seen", each.Name)
			}
		}
	}
	if serves != 1 {
		t.Errorf("the Service means %d Deployments", serves)
	}
	closed := false
	for _, policy := range of[*networkingv1.NetworkPolicy](own) {
		closed = closed || len(policy.Spec.PodSelector.MatchLabels) == 0 && len(policy.Spec.PolicyTypes) == 2 && len(policy.Spec.Ingress)+len(policy.Spec.Egress) == 0
	}
	if !closed {
		t.Error("no policy denies what the others do not allow")
	}
}

// The watch may list and watch what it is told of, in the whole cluster, and write nothing; its pod is as strict as the others.
func TestWatchOfRollouts(t *testing.T) {
	own, _ := built(t, "kubernetes/base", "kubernetes/rollouts")
	roles := of[*rbacv1.ClusterRole](own)
	if len(roles) != 1 {
		t.Fatalf("%d ClusterRoles", len(roles))
	}
	read := map[string]bool{}
	for _, rule := range roles[0].Rules {
		if strings.Join(rule.Verbs, " ") != "list watch" {
			t.Errorf("verbs %v", rule.Verbs)
		}
		for _, resource := range rule.Resources {
			read[rule.APIGroups[0]+"/"+resource] = true
		}
	}
	if len(read) != 3 || !read["argoproj.io/rollouts"] || !read["argoproj.io/experiments"] || !read["apps/replicasets"] {
		t.Errorf("it reads %v", read)
	}
	for _, each := range of[*appsv1.Deployment](own) {
		if each.Name == "serinus-rollouts" {
			pod := each.Spec.Template.Spec
			if !*pod.AutomountServiceAccountToken {
				t.Error("it gets no token")
			}
			none := false
			pod.AutomountServiceAccountToken = &none
			checkPod(t, each.Name, pod)
		}
	}
}

// There is one that tells of alarms, never two at a time, as strict as the others, and it knows the brokers.
func TestAlert(t *testing.T) {
	own, _ := built(t, "kubernetes/base", "kubernetes/alert")
	for _, each := range of[*appsv1.Deployment](own) {
		if each.Name == "serinus-alert" {
			if *each.Spec.Replicas != 1 || each.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
				t.Error("there may be two")
			}
			checkPod(t, each.Name, each.Spec.Template.Spec)
			if !mounts(each.Spec.Template.Spec, own) {
				t.Error("a Secret that it mounts is not there")
			}
			return
		}
	}
	t.Error("there is none")
}

// With KEDA nobody else says how many ingest workers there are, and it means a Deployment that is there.
func TestScaling(t *testing.T) {
	own, others := built(t, "kubernetes/base", "kubernetes/keda")
	for _, each := range of[*appsv1.Deployment](own) {
		if (each.Spec.Replicas == nil) != (each.Name == "serinus-ingest") {
			t.Errorf("%s: replicas", each.Name)
		}
	}
	if len(others) != 1 || !strings.Contains(string(others[0].text), "scaleTargetRef:\n    name: serinus-ingest\n") {
		t.Errorf("scaled objects: %d", len(others))
	}
}

// Score reads the policy, serve and the watch the token: each at the place where the file is mounted, and nobody else.
func TestPolicyAndToken(t *testing.T) {
	own, _ := built(t, "kubernetes/base", "kubernetes/rollouts", "kubernetes/policy", "kubernetes/token")
	wanted := map[string]string{
		"serinus-score": "SERINUS_POLICY=/etc/serinus-policy/policy.yml", "serinus-serve": "SERINUS_TOKEN_FILE=/etc/serinus-token/token",
		"serinus-rollouts": "SERINUS_TOKEN_FILE=/etc/serinus-token/token"}
	for _, each := range of[*appsv1.Deployment](own) {
		pod, found := each.Spec.Template.Spec, ""
		for _, variable := range pod.Containers[0].Env {
			if variable.Name != "SERINUS_POLICY" && variable.Name != "SERINUS_TOKEN_FILE" {
				continue
			}
			found += variable.Name + "=" + variable.Value
			if !slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(mount corev1.VolumeMount) bool {
				return mount.MountPath == filepath.Dir(variable.Value) && mount.ReadOnly
			}) {
				t.Errorf("%s: nothing is mounted for %s", each.Name, variable.Name)
			}
		}
		if found != wanted[each.Name] {
			t.Errorf("%s has %q, not %q", each.Name, found, wanted[each.Name])
		}
	}
	maps := of[*corev1.ConfigMap](own)
	if len(maps) != 1 || maps[0].Name != "serinus-policy" || !strings.Contains(maps[0].Data["policy.yml"], "version: 1") {
		t.Error("there is no policy")
	}
}
