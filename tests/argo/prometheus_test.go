package argo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// gauges is what one scrape has found; a storage for Prometheus' own query engine.
type gauges []storage.Series

type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
func (g gauges) Querier(_, _ int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &seriesSet{at: -1}
		for _, each := range g {
			if matches(each.Labels(), matchers) {
				found.series = append(found.series, each)
			}
		}
		return found
	}}, nil
}

func matches(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(of.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// scrape reads an exposition as Prometheus would; a server that does not answer has no series.
func scrape(exposition io.Reader, at time.Time) (gauges, error) {
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(exposition)
	if err != nil {
		return nil, err
	}
	var found gauges
	for name, family := range families {
		for _, metric := range family.Metric {
			if metric.Gauge == nil {
				continue
			}
			pairs := []string{labels.MetricName, name}
			for _, label := range metric.Label {
				pairs = append(pairs, label.GetName(), label.GetValue())
			}
			one := sample{at.UnixMilli(), metric.Gauge.GetValue()}
			found = append(found, storage.NewListSeries(labels.FromStrings(pairs...), []chunks.Sample{one}))
		}
	}
	return found, nil
}

// prometheus answers instant queries over what it scrapes when it is asked: Prometheus, without its clock and disk.
func prometheus(t *testing.T, exposition func() (io.ReadCloser, error)) string {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 100_000, Timeout: 10 * time.Second})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		var scraped gauges
		if body, err := exposition(); err == nil {
			defer body.Close()
			if scraped, err = scrape(body, now); err != nil {
				t.Error(err)
			}
		}
		query, err := engine.NewInstantQuery(context.Background(), scraped, nil, r.FormValue("query"), now)
		if err != nil {
			http.Error(w, fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%q}`, err), http.StatusBadRequest)
			return
		}
		defer query.Close()
		found := query.Exec(context.Background())
		_ = json.NewEncoder(w).Encode(map[string]any{
			"status": "success", "data": map[string]any{"resultType": found.Value.Type(), "result": found.Value}})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// metricsOf are the metrics of a serve.
func metricsOf(url string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		response, err := http.Get(url + "/metrics")
		if err != nil {
			return nil, err
		}
		return response.Body, nil
	}
}

// saying is an exposition of these words.
func saying(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}
