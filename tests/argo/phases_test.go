package argo

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
)

const (
	S = v1alpha1.AnalysisPhaseSuccessful
	F = v1alpha1.AnalysisPhaseFailed
	I = v1alpha1.AnalysisPhaseInconclusive
	// R: after three measurements (kayenta: after the first look at its run) it still goes on, with none of them an error.
	R = v1alpha1.AnalysisPhaseRunning
)

var columns = []string{"serinus-gate", "serinus-background", "serinus-hold", "serinus-prometheus", "serinus-kayenta", "serinus-job"}

// What each template comes to. A gate asks three times here; a job has seven seconds.
//
//	Successful: goes on. Failed: aborts. Inconclusive: pauses. Running: waits.
var table = []struct {
	scenario string
	serve    string
	pair     string
	expected []v1alpha1.AnalysisPhase // gate, background, hold, prometheus, kayenta, job
}{
	{"pass", "kafka", "pass", []v1alpha1.AnalysisPhase{S, R, S, S, S, S}},
	{"fail", "kafka", "fail", []v1alpha1.AnalysisPhase{F, F, R, F, F, F}},
	{"marginal", "kafka", "marginal", []v1alpha1.AnalysisPhase{I, R, R, I, I, F}},
	{"none: not decided yet", "kafka", "none", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
	{"none: a pass that is old", "kafka", "stale", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
	{"a fail that is old", "kafka", "stale fail", []v1alpha1.AnalysisPhase{F, F, R, F, F, F}},
	{"a retry of what has failed and ended", "kafka", "aborted", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
	{"unknown workload", "kafka", "unknown", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
	{"no argument substituted", "kafka", "faulty", []v1alpha1.AnalysisPhase{I, R, R, I, I, F}},
	{"serve without Kafka", "no kafka", "pass", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
	{"empty history", "empty", "pass", []v1alpha1.AnalysisPhase{I, R, R, I, R, F}},
}

func TestPhases(t *testing.T) {
	known, controller, all := world(t), startCluster(t), templates(t)
	for _, row := range table {
		for column, name := range columns {
			t.Run(fmt.Sprintf("%s/%s", row.scenario, name), func(t *testing.T) {
				t.Parallel()
				args := arguments(t, known.Pairs[row.pair], known.Serve[row.serve])
				run := controller.begin(t, all[name], args)
				expect(t, controller, run, row.expected[column])
				if name == "serinus-job" {
					checkJob(t, controller, run, row.pair)
				}
			})
		}
	}
}

// expect sees a run to its phase, and that no measurement of it is an error or larger than 2 kB.
func expect(t *testing.T, c *cluster, name string, phase v1alpha1.AnalysisPhase) {
	t.Helper()
	run := c.await(t, name, 150*time.Second, func(run *v1alpha1.AnalysisRun) bool {
		return run.Status.Phase.Completed() || phase == R && waited(result(run))
	})
	if run.Status.Phase != phase {
		t.Errorf("expected %s: %s", phase, shown(run))
	}
	for _, measurement := range result(run).Measurements {
		// Argo 1.9.1 looks for a Job that its informer has not seen yet, where the machine is slow, and makes another.
		tooSoon := measurement.Metadata["job-name"] != "" && strings.HasSuffix(measurement.Message, "not found")
		if measurement.Phase == v1alpha1.AnalysisPhaseError && !tooSoon {
			t.Errorf("a measurement is an error: %s", measurement.Message)
		}
		if len(measurement.Value) > 2000 {
			t.Errorf("a value has %d characters", len(measurement.Value))
		}
	}
	if phase == R {
		c.terminate(t, name)
		c.await(t, name, 60*time.Second, func(run *v1alpha1.AnalysisRun) bool { return run.Status.Phase == S })
	}
}

// waited: three measurements are done, or one has been looked at again and goes on.
func waited(found v1alpha1.MetricResult) bool {
	if found.Count >= 3 {
		return true
	}
	last := len(found.Measurements)
	if last == 0 || found.Measurements[last-1].Phase != R {
		return false
	}
	begun, resumeAt := found.Measurements[last-1].StartedAt, found.Measurements[last-1].ResumeAt
	return resumeAt != nil && resumeAt.Sub(begun.Time) > 20*time.Second
}

// checkJob holds the job's exit status and termination message against what serve says.
func checkJob(t *testing.T, c *cluster, name, pair string) {
	t.Helper()
	measurements := result(c.run(t, name)).Measurements
	said, _ := c.jobs.Load(measurements[len(measurements)-1].Metadata["job-name"])
	status, rest, _ := strings.Cut(fmt.Sprint(said), " ")
	wanted := map[string]string{"pass": "0 success", "fail": "2 failed", "stale fail": "2 failed", "faulty": "1"}[pair]
	if strings.Contains(t.Name(), "without") || strings.Contains(t.Name(), "empty") || wanted == "" {
		wanted = "3 inconclusive"
	}
	if !strings.HasPrefix(status+" "+rest, wanted) {
		t.Errorf("expected %s: %v", wanted, said)
	}
	if pair != "faulty" && !strings.Contains(rest, "\nreport: http://") {
		t.Errorf("no report: %v", said)
	}
}

// arguments are those of any of our templates; a run takes what its template declares.
func arguments(t *testing.T, pair Pair, url string) map[string]string {
	return map[string]string{
		"serinus-url":     url,
		"kayenta-url":     url + "/kayenta",
		"prometheus-url":  prometheus(t, metricsOf(url)),
		"namespace":       pair.Namespace,
		"workload":        pair.Workload,
		"baseline-hash":   pair.Baseline,
		"canary-hash":     pair.Canary,
		"experiment-hash": "of-the-rollout",
		"interval":        "1s",
		"measurements":    "3",
		"lifetime-hours":  "0.002",
		"log-enabled":     "true",
	}
}

// A serve that is away and comes back on the same address: errors meanwhile, no abort, and the verdict in the end.
func TestRestart(t *testing.T) {
	known, controller, all := world(t), startCluster(t), templates(t)
	serve := func() *exec.Cmd {
		command := exec.Command(known.Python, known.Restarting...)
		command.Dir, command.Env = root, append(os.Environ(), "PYTHONPATH="+root)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
		return command
	}
	names := []string{"serinus-gate", "serinus-hold", "serinus-kayenta", "serinus-job"}
	begin := func(pair string) map[string]string {
		runs := map[string]string{}
		for _, name := range names {
			args := arguments(t, known.Pairs[pair], known.RestartingURL)
			args["measurements"], args["lifetime-hours"] = "100", "0.02"
			runs[name] = controller.begin(t, all[name], args)
		}
		return runs
	}
	background := controller.begin(t, all["serinus-background"], arguments(t, known.Pairs["fail"], known.RestartingURL))
	passing := begin("pass")
	for name, run := range passing {
		if name != "serinus-job" { // its errors are its own
			controller.await(t, run, 30*time.Second, func(run *v1alpha1.AnalysisRun) bool { return result(run).Error > 0 })
		}
	}
	first := serve()
	for name, run := range passing {
		ended := controller.await(t, run, 90*time.Second, func(run *v1alpha1.AnalysisRun) bool { return run.Status.Phase.Completed() })
		if ended.Status.Phase != S {
			t.Errorf("%s: %s", name, shown(ended))
		}
	}
	controller.await(t, background, 90*time.Second, func(run *v1alpha1.AnalysisRun) bool { return run.Status.Phase == F })
	waiting := controller.begin(t, all["serinus-hold"], arguments(t, known.Pairs["none"], known.RestartingURL))
	controller.await(t, waiting, 30*time.Second, func(run *v1alpha1.AnalysisRun) bool { return result(run).Failed > 1 })
	_ = first.Process.Kill()
	_ = first.Wait()
	controller.await(t, waiting, 30*time.Second, func(run *v1alpha1.AnalysisRun) bool { return result(run).Error > 0 })
	serve()
	controller.await(t, waiting, 90*time.Second, func(run *v1alpha1.AnalysisRun) bool {
		return run.Status.Phase == R && result(run).ConsecutiveError == 0
	})
}

// A run of Kayenta's whose time is over without a verdict is inconclusive.
func TestKayentaAtItsEnd(t *testing.T) {
	known, controller := world(t), startCluster(t)
	template := templates(t)["serinus-kayenta"]
	scope := &template.Spec.Metrics[0].Provider.Kayenta.Scopes[0]
	start, end := time.Now().Add(-time.Minute).Format(time.RFC3339), time.Now().Add(5*time.Second).Format(time.RFC3339)
	scope.ControlScope.Start, scope.ControlScope.End = start, end
	scope.ExperimentScope.Start, scope.ExperimentScope.End = start, end
	run := controller.begin(t, template, arguments(t, known.Pairs["none"], known.Serve["kafka"]))
	expect(t, controller, run, I)
}

// The block of Argo's own documentation, with nothing but the address changed: no namespace, no rollout, its thresholds.
func TestKayentaOfTheDocumentation(t *testing.T) {
	known, controller := world(t), startCluster(t)
	for pair, phase := range map[string]v1alpha1.AnalysisPhase{"pass": S, "fail": F, "marginal": I} {
		t.Run(pair, func(t *testing.T) {
			t.Parallel()
			template := templates(t)["serinus-kayenta"]
			block := template.Spec.Metrics[0].Provider.Kayenta
			block.CanaryConfigName, block.Threshold = "my-test", v1alpha1.KayentaThreshold{Pass: 90, Marginal: 75}
			scope := &block.Scopes[0]
			scope.ControlScope.Region, scope.ExperimentScope.Region = "us-east-1", "us-east-1"
			scope.ControlScope.Scope = "app=guestbook and rollouts-pod-template-hash={{args.baseline-hash}}"
			scope.ExperimentScope.Scope = "app=guestbook and rollouts-pod-template-hash={{args.canary-hash}}"
			run := controller.begin(t, template, arguments(t, known.Pairs[pair], known.Serve["kafka"]))
			expect(t, controller, run, phase)
		})
	}
}

// NaN, which a Prometheus can hold, is inconclusive; the risk beside the verdict decides nothing.
func TestPrometheusNaN(t *testing.T) {
	controller := startCluster(t)
	pair := Pair{"prod", "shop", "5d5", "6f8"}
	series := func(name, value, more string) string {
		return fmt.Sprintf("# TYPE %s gauge\n%s{namespace=\"prod\",workload=\"shop\",baseline=\"5d5\",canary=\"6f8\"%s} %s\n", name, name, more, value)
	}
	for name, each := range map[string]struct {
		exposition string
		phase      v1alpha1.AnalysisPhase
	}{
		"NaN":        {series("serinus_verdict", "NaN", `,verdict="pass"`) + strings.Split(series("serinus_verdict", "NaN", `,verdict="fail"`), "\n")[1] + "\n", I},
		"high risk":  {series("serinus_verdict", "1", `,verdict="pass"`) + strings.Split(series("serinus_verdict", "0", `,verdict="fail"`), "\n")[1] + "\n" + series("serinus_risk_score", "99", ""), S},
		"one of two": {series("serinus_verdict", "1", `,verdict="pass"`), I},
		"nothing":    {"", I},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := arguments(t, pair, "http://127.0.0.1:1")
			maps.Copy(args, map[string]string{"prometheus-url": prometheus(t, saying(each.exposition))})
			expect(t, controller, controller.begin(t, templates(t)["serinus-prometheus"], args), each.phase)
		})
	}
}

// The world is what the table takes it for: every serve answers each question with 200.
func TestWorld(t *testing.T) {
	for name, url := range world(t).Serve {
		response, err := http.Get(url + "/v1/risk")
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %v %v", name, response, err)
		}
	}
}
