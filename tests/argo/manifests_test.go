package argo

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"
)

// object is one document of a YAML file.
type object struct {
	file string
	kind string
	text []byte
}

// objects are all documents of the files under deploy/argo, but for the kustomizations.
func objects(t *testing.T, directories ...string) []object {
	t.Helper()
	var found []object
	for _, directory := range directories {
		files, _ := filepath.Glob(filepath.Join(root, "deploy/argo", directory, "*.yaml"))
		for _, file := range files {
			if filepath.Base(file) != "kustomization.yaml" {
				found = append(found, documents(t, file)...)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("nothing in %v", directories)
	}
	return found
}

func documents(t *testing.T, file string) []object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []object
	for _, part := range bytes.Split(text, []byte("\n---\n")) {
		var head struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(part, &head); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if head.Kind != "" {
			found = append(found, object{filepath.Base(file), head.Kind, part})
		}
	}
	return found
}

// decode reads an object as Argo's own type, and takes no field that the type does not have.
func decode[T any](t *testing.T, from object) *T {
	t.Helper()
	into := new(T)
	if err := yaml.UnmarshalStrict(from.text, into); err != nil {
		t.Fatalf("%s: %v", from.file, err)
	}
	return into
}

func templates(t *testing.T) map[string]*v1alpha1.AnalysisTemplate {
	t.Helper()
	found := map[string]*v1alpha1.AnalysisTemplate{}
	for _, each := range objects(t, "analysis") {
		template := decode[v1alpha1.AnalysisTemplate](t, each)
		found[template.Name] = template
	}
	return found
}

func clusterTemplates(t *testing.T) map[string]*v1alpha1.ClusterAnalysisTemplate {
	t.Helper()
	found := map[string]*v1alpha1.ClusterAnalysisTemplate{}
	for _, each := range objects(t, "cluster") {
		template := decode[v1alpha1.ClusterAnalysisTemplate](t, each)
		found[template.Name] = template
	}
	return found
}

// Every object is one by the schema of its CRD, as the API server checks it, and no field of it would be pruned.
func TestSchemas(t *testing.T) {
	crds := crdSchemas(t, filepath.Join(moduleDir(t, ".", "github.com/argoproj/argo-rollouts"), "manifests/crds/*-crd.yaml"))
	seen := map[string]bool{}
	for _, each := range objects(t, "analysis", "cluster", "rollouts") {
		crd, known := crds[each.kind]
		if !known {
			continue // a Service
		}
		seen[each.kind] = true
		checkAgainst(t, each, crd)
	}
	for _, kind := range []string{"AnalysisTemplate", "ClusterAnalysisTemplate", "Rollout"} {
		if !seen[kind] {
			t.Errorf("no %s was checked", kind)
		}
	}
}

// checkAgainst holds one object against the schema of its CRD.
func checkAgainst(t *testing.T, each object, crd *apiextensions.JSONSchemaProps) {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal(each.text, &content); err != nil {
		t.Fatal(err)
	}
	validator, _, err := schemavalidation.NewSchemaValidator(crd)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range schemavalidation.ValidateCustomResource(nil, content, validator) {
		t.Errorf("%s: %v", each.file, fault)
	}
	structural, err := structuralschema.NewStructural(crd)
	if err != nil {
		t.Fatal(err)
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(content, structural, true, options) {
		t.Errorf("%s: there is no field %s", each.file, path)
	}
}

// crdSchemas are the schemas of files of CRDs, by kind.
func crdSchemas(t *testing.T, pattern string) map[string]*apiextensions.JSONSchemaProps {
	t.Helper()
	files, _ := filepath.Glob(pattern)
	schemas := map[string]*apiextensions.JSONSchemaProps{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var schema apiextensions.JSONSchemaProps
		err = apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &schema, nil)
		if err != nil {
			t.Fatal(err)
		}
		schemas[crd.Spec.Names.Kind] = &schema
	}
	return schemas
}

// The ClusterAnalysisTemplates are the AnalysisTemplates, word for word.
func TestClusterTemplatesAreTheSame(t *testing.T) {
	cluster := clusterTemplates(t)
	namespaced := templates(t)
	if len(cluster) != len(namespaced) {
		t.Errorf("%d ClusterAnalysisTemplates, %d AnalysisTemplates", len(cluster), len(namespaced))
	}
	for name, template := range namespaced {
		if other := cluster[name]; other == nil || !equality.Semantic.DeepEqual(template.Spec, other.Spec) {
			t.Errorf("%s differs", name)
		}
	}
}

// Every Rollout is valid by the controller's own rules, with the templates it refers to.
func TestRollouts(t *testing.T) {
	namespaced, cluster := templates(t), clusterTemplates(t)
	for _, each := range objects(t, "rollouts") {
		if each.kind != "Rollout" {
			continue
		}
		t.Run(each.file, func(t *testing.T) {
			rollout := decode[v1alpha1.Rollout](t, each)
			rollout.Namespace = "prod"
			for _, fault := range validation.ValidateRollout(rollout) {
				t.Error(fault)
			}
			uses := usesOf(rollout)
			if len(uses) == 0 {
				t.Error("it uses no template")
			}
			for _, use := range uses {
				checkUse(t, rollout, use, namespaced, cluster)
			}
		})
	}
}

// use is one place where a Rollout refers to a template.
type use struct {
	kind validation.AnalysisTemplateType
	ref  v1alpha1.AnalysisTemplateRef
	args []v1alpha1.AnalysisRunArgument
}

func usesOf(rollout *v1alpha1.Rollout) []use {
	var found []use
	add := func(kind validation.AnalysisTemplateType, analysis *v1alpha1.RolloutAnalysis) {
		if analysis != nil {
			for _, ref := range analysis.Templates {
				found = append(found, use{kind, ref, analysis.Args})
			}
		}
	}
	if blueGreen := rollout.Spec.Strategy.BlueGreen; blueGreen != nil {
		add(validation.PrePromotionAnalysis, blueGreen.PrePromotionAnalysis)
		add(validation.PostPromotionAnalysis, blueGreen.PostPromotionAnalysis)
	}
	if canary := rollout.Spec.Strategy.Canary; canary != nil {
		if canary.Analysis != nil {
			add(validation.BackgroundAnalysis, &canary.Analysis.RolloutAnalysis)
		}
		for _, step := range canary.Steps {
			add(validation.InlineAnalysis, step.Analysis)
			if step.Experiment != nil {
				for _, analysis := range step.Experiment.Analyses {
					ref := v1alpha1.AnalysisTemplateRef{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}
					found = append(found, use{validation.InlineAnalysis, ref, analysis.Args})
				}
			}
		}
	}
	return found
}

// checkUse sees to it that the template is there, that it gets every argument it needs and none that it has not.
func checkUse(t *testing.T, rollout *v1alpha1.Rollout, each use,
	namespaced map[string]*v1alpha1.AnalysisTemplate, cluster map[string]*v1alpha1.ClusterAnalysisTemplate) {
	t.Helper()
	template, all := namespaced[each.ref.TemplateName], cluster[each.ref.TemplateName]
	if template == nil || all == nil {
		t.Fatalf("there is no template %s", each.ref.TemplateName)
	}
	var faults error
	if each.ref.IsClusterScope() {
		faults = validation.ValidateAnalysisTemplateWithType(rollout, nil, all, each.kind, nil).ToAggregate()
	} else {
		faults = validation.ValidateAnalysisTemplateWithType(rollout, template, nil, each.kind, nil).ToAggregate()
	}
	if faults != nil {
		t.Errorf("%s: %v", each.ref.TemplateName, faults)
	}
	given := map[string]bool{}
	for _, arg := range each.args {
		given[arg.Name] = true
	}
	for _, arg := range template.Spec.Args {
		if arg.Value == nil && arg.ValueFrom == nil && !given[arg.Name] {
			t.Errorf("%s: the argument %s is not given", each.ref.TemplateName, arg.Name)
		}
		delete(given, arg.Name)
	}
	for name := range given {
		t.Errorf("%s has no argument %s", each.ref.TemplateName, name)
	}
}

// Every argument that a metric names is declared, and the metrics are valid once the arguments are in them.
func TestTemplates(t *testing.T) {
	named := regexp.MustCompile(`\{\{args\.([a-z-]+)\}\}`)
	for name, template := range templates(t) {
		text, err := yaml.Marshal(template.Spec.Metrics)
		if err != nil {
			t.Fatal(err)
		}
		declared := map[string]bool{}
		args := template.Spec.Args
		for i, arg := range args {
			declared[arg.Name] = true
			if arg.Value == nil {
				value := "x"
				args[i].Value = &value
			}
		}
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			if !declared[match[1]] {
				t.Errorf("%s: %s is not declared", name, match[1])
			}
		}
		var metrics []v1alpha1.Metric
		for _, metric := range template.Spec.Metrics {
			resolved, err := analysisutil.ResolveMetricArgs(metric, args)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			metrics = append(metrics, *resolved)
		}
		if err := analysisutil.ValidateMetrics(metrics); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every file says when to use it, before anything else.
func TestFilesSayWhenToUseThem(t *testing.T) {
	for _, each := range objects(t, "analysis", "rollouts") {
		if each.kind != "Service" && !strings.HasPrefix(string(each.text), "# ") {
			t.Errorf("%s begins without a word", each.file)
		}
	}
}
