// Package argo holds our templates against the code of Argo Rollouts itself: its controller of AnalysisRuns, with its
// web, prometheus, kayenta and job providers and its evaluation of conditions, over a fake API server; its validation of
// Rollouts; and the schemas of its CRDs. What it asks is a running `serinus serve`, which tests/argo/test_argo.py starts
// and feeds from Kafka.
package argo

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Pair is a comparison that the world knows, or does not.
type Pair struct {
	Namespace string
	Workload  string
	Baseline  string
	Canary    string
}

// World is what test_argo.py has started.
type World struct {
	Python string
	// Base URLs of serve: "kafka" is fed, "no kafka" has no broker, "empty" has one that holds nothing.
	Serve map[string]string
	// Comparisons by what is to be seen of them.
	Pairs map[string]Pair
	// Arguments of a serve that is not started yet, and where it will be.
	Restarting    []string
	RestartingURL string
}

var root = func() string {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(here))
}()

// world skips the test where nothing was started for it.
func world(t *testing.T) World {
	t.Helper()
	file := os.Getenv("SERINUS_TEST_WORLD")
	if file == "" {
		t.Skip("SERINUS_TEST_WORLD is not set: run make test-argo")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found World
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// moduleDir is where a module that the go.mod of a directory names is on this machine; it is fetched if it is not.
func moduleDir(t *testing.T, directory, module string) string {
	t.Helper()
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Dir = directory
	text, err := command.Output()
	if err != nil {
		t.Fatalf("go mod download %s: %v", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	return found.Dir
}
