package argo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/argoproj/argo-rollouts/controller/metrics"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/record"
	notifications "github.com/argoproj/notifications-engine/pkg/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeinformers "k8s.io/client-go/informers"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
)

// ear passes on to serve what Argo tells it, and remembers what serve says.
type ear struct {
	mutex sync.Mutex
	heard []string
}

func (e *ear) listen(t *testing.T, serve string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		response, err := http.Post(serve+r.URL.Path, "", bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		said, _ := io.ReadAll(response.Body)
		e.mutex.Lock()
		e.heard = append(e.heard, fmt.Sprintf("%d %s", response.StatusCode, said))
		e.mutex.Unlock()
		w.WriteHeader(response.StatusCode)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// recorder is the controller's own, with our ConfigMap.
func recorder(t *testing.T, url string) record.EventRecorder {
	t.Helper()
	text := documents(t, filepath.Join(root, "deploy/argo/notifications/configmap.yaml"))[0]
	config := decode[corev1.ConfigMap](t, text)
	config.Namespace = "argo-rollouts"
	for key, value := range config.Data {
		config.Data[key] = strings.ReplaceAll(value, "http://serinus-serve.serinus.svc:8080", url)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: record.NotificationSecret, Namespace: "argo-rollouts"}}
	client := k8sfake.NewSimpleClientset(config, secret)
	all := kubeinformers.NewSharedInformerFactory(client, 0)
	secrets, configs := all.Core().V1().Secrets().Informer(), all.Core().V1().ConfigMaps().Informer()
	factory := notifications.NewFactory(record.NewAPIFactorySettings(nil), "argo-rollouts", secrets, configs)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	all.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), secrets.HasSynced, configs.HasSynced) {
		t.Fatal("the informers do not start")
	}
	return record.NewEventRecorder(client, metrics.MetricRolloutEventsTotal, metrics.MetricNotificationFailedTotal,
		metrics.MetricNotificationSuccessTotal, metrics.MetricNotificationSend, factory)
}

// Argo's own recorder and notifications engine make of our ConfigMap what serve understands, from the object that the
// controller has when it records the event: the one before the change.
func TestNotifications(t *testing.T) {
	known := world(t)
	pair := known.Pairs["pass"]
	compare := fmt.Sprintf(`200 {"sent":["compare %s and %s"]}`, pair.Baseline, pair.Canary)
	ended := fmt.Sprintf(`200 {"sent":["%s and %s: `, pair.Baseline, pair.Canary) + `%s"]}`
	status := func(stable, latest string) v1alpha1.RolloutStatus {
		return v1alpha1.RolloutStatus{StableRS: stable, CurrentPodHash: latest}
	}
	now := metav1.Now()
	aborted := status(pair.Baseline, pair.Canary)
	aborted.Abort, aborted.AbortedAt = true, &now
	for _, each := range []struct {
		reason   string
		status   v1alpha1.RolloutStatus
		expected []string
	}{
		{"RolloutUpdated", status("", ""), []string{`200 {"sent":[]}`}},
		// Of neither hash: an Experiment's own pair, which is over once its Rollout is.
		{"RolloutUpdated", status("nobodys", "nobodys"), []string{fmt.Sprintf(ended, "expired")}},
		{"RolloutStepCompleted", status(pair.Baseline, pair.Canary), []string{compare}},
		{"RolloutPaused", status(pair.Baseline, pair.Canary), []string{compare}},
		{"RolloutResumed", status(pair.Baseline, pair.Canary), []string{compare}},
		{"RolloutPaused", aborted, []string{fmt.Sprintf(ended, "aborted")}},
		{"RolloutAborted", status(pair.Baseline, pair.Canary), []string{fmt.Sprintf(ended, "aborted")}},
		{"RolloutCompleted", status(pair.Baseline, pair.Canary), []string{fmt.Sprintf(ended, "promoted")}},
		{"RolloutCompleted", status("", "nobodys"), []string{fmt.Sprintf(ended, "expired")}},
		{"ScalingReplicaSet", status(pair.Baseline, pair.Canary), nil},
	} {
		t.Run(each.reason, func(t *testing.T) {
			listener := &ear{}
			rollout := &v1alpha1.Rollout{Status: each.status}
			rollout.Name, rollout.Namespace = pair.Workload, pair.Namespace
			recorder(t, listener.listen(t, known.Serve["kafka"])).
				Eventf(rollout, record.EventOptions{EventReason: each.reason}, "it happened")
			if fmt.Sprint(listener.heard) != fmt.Sprint(each.expected) {
				t.Errorf("%s: %v, not %v", each.reason, listener.heard, each.expected)
			}
		})
	}
}
