package argo

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/argoproj/argo-rollouts/analysis"
	"github.com/argoproj/argo-rollouts/controller/metrics"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/client/clientset/versioned/fake"
	informers "github.com/argoproj/argo-rollouts/pkg/client/informers/externalversions"
	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"
	"github.com/argoproj/argo-rollouts/utils/queue"
	"github.com/argoproj/argo-rollouts/utils/record"
	log "github.com/sirupsen/logrus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	kubeinformers "k8s.io/client-go/informers"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// cluster is Argo's controller of AnalysisRuns over an API server that is no more than a store.
type cluster struct {
	argo   *fake.Clientset
	kube   *k8sfake.Clientset
	python string
	jobs   sync.Map // name of a Job -> its termination message
}

var startOnce = sync.OnceValue(func() *cluster {
	log.SetOutput(io.Discard)
	made := &cluster{argo: fake.NewSimpleClientset(), kube: k8sfake.NewSimpleClientset()}
	argoInformers := informers.NewSharedInformerFactory(made.argo, 0)
	kubeInformers := kubeinformers.NewSharedInformerFactory(made.kube, 0)
	runs := argoInformers.Argoproj().V1alpha1().AnalysisRuns()
	jobs := kubeInformers.Batch().V1().Jobs()
	controller := analysis.NewController(analysis.ControllerConfig{
		KubeClientSet:        made.kube,
		ArgoProjClientset:    made.argo,
		AnalysisRunInformer:  runs,
		JobInformer:          jobs,
		ResyncPeriod:         time.Hour,
		AnalysisRunWorkQueue: workqueue.NewNamedRateLimitingQueue(queue.DefaultArgoRolloutsRateLimiter(), "AnalysisRuns"),
		MetricsServer: metrics.NewMetricsServer(metrics.ServerConfig{
			Addr: "127.0.0.1:0", K8SRequestProvider: &metrics.K8sRequestsCountProvider{}}),
		Recorder: record.NewFakeEventRecorder(),
	})
	_, err := jobs.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(created any) { go made.runJob(created.(*batchv1.Job)) }})
	if err != nil {
		panic(err)
	}
	ctx := context.Background() // until the process ends
	argoInformers.Start(ctx.Done())
	kubeInformers.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), runs.Informer().HasSynced, jobs.Informer().HasSynced) {
		panic("the informers do not start")
	}
	go func() { _ = controller.Run(ctx, 30) }()
	return made
})

// startCluster starts it once for all tests.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	made := startOnce()
	made.python = world(t).Python
	return made
}

// begin makes an AnalysisRun of a template, as a Rollout would.
func (c *cluster) begin(t *testing.T, template *v1alpha1.AnalysisTemplate, args map[string]string) string {
	t.Helper()
	var given []v1alpha1.Argument
	for name, value := range args {
		given = append(given, v1alpha1.Argument{Name: name, Value: &value})
	}
	name := string(uuid.NewUUID())
	run, err := analysisutil.NewAnalysisRunFromTemplates([]*v1alpha1.AnalysisTemplate{template}, nil, given, nil, nil,
		map[string]string{}, map[string]string{}, name, "", "prod")
	if err != nil {
		t.Fatal(err)
	}
	run.UID = types.UID(name)
	_, err = c.argo.ArgoprojV1alpha1().AnalysisRuns("prod").Create(context.Background(), run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (c *cluster) run(t *testing.T, name string) *v1alpha1.AnalysisRun {
	t.Helper()
	run, err := c.argo.ArgoprojV1alpha1().AnalysisRuns("prod").Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// await looks at a run until it is as wanted.
func (c *cluster) await(t *testing.T, name string, within time.Duration, wanted func(*v1alpha1.AnalysisRun) bool) *v1alpha1.AnalysisRun {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		run := c.run(t, name)
		if wanted(run) {
			return run
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", within, shown(run))
		}
	}
}

// terminate ends a run as the controller of Rollouts does when its steps are done.
func (c *cluster) terminate(t *testing.T, name string) {
	t.Helper()
	_, err := c.argo.ArgoprojV1alpha1().AnalysisRuns("prod").Patch(context.Background(), name, types.MergePatchType,
		[]byte(`{"spec":{"terminate":true}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func result(run *v1alpha1.AnalysisRun) v1alpha1.MetricResult {
	for _, each := range run.Status.MetricResults {
		if each.Name == "serinus" {
			return each
		}
	}
	return v1alpha1.MetricResult{}
}

func shown(run *v1alpha1.AnalysisRun) string {
	found := result(run)
	text := fmt.Sprintf("run %s (%s), metric %s (%s), %d measurements, %d errors in a row", run.Status.Phase,
		run.Status.Message, found.Phase, found.Message, len(found.Measurements), found.ConsecutiveError)
	if last := len(found.Measurements); last > 0 {
		text += fmt.Sprintf("; the last: %s %s %s", found.Measurements[last-1].Phase, found.Measurements[last-1].Value,
			found.Measurements[last-1].Message)
	}
	return text
}

// cores are what jobs share: more at a time would keep the informers waiting.
var cores = make(chan struct{}, 2)

// runJob is kubelet and Job controller in one: it runs the only container with our own command, and tells how it ended.
func (c *cluster) runJob(job *batchv1.Job) {
	cores <- struct{}{}
	defer func() { <-cores }()
	container := job.Spec.Template.Spec.Containers[0]
	directory, err := os.MkdirTemp("", "serinus-job-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	message := filepath.Join(directory, "termination-log")
	command := exec.Command(c.python, append([]string{"-m", "topology"}, container.Args...)...)
	command.Dir = root
	command.Env = append(os.Environ(), "SERINUS_TERMINATION_LOG="+message, "SERINUS_EVERY_S=0.5", "PYTHONPATH="+root)
	for _, variable := range container.Env {
		value := variable.Value
		if variable.ValueFrom != nil && variable.ValueFrom.FieldRef.FieldPath == "metadata.namespace" {
			value = job.Namespace
		}
		command.Env = append(command.Env, variable.Name+"="+value)
	}
	output, err := command.CombinedOutput()
	text, _ := os.ReadFile(message)
	c.jobs.Store(job.Name, fmt.Sprintf("%d %s\n%s", command.ProcessState.ExitCode(), strings.TrimSpace(string(text)), output))
	condition := batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}
	if err != nil {
		condition = batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: err.Error()}
	}
	ended := job.DeepCopy()
	ended.Status.Conditions = append(ended.Status.Conditions, condition)
	_, _ = c.kube.BatchV1().Jobs(job.Namespace).UpdateStatus(context.Background(), ended, metav1.UpdateOptions{})
}
