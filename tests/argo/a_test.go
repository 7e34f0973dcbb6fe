package argo
import (
 _ "github.com/argoproj/argo-rollouts/metricproviders/webmetric"
 _ "github.com/argoproj/argo-rollouts/metricproviders/kayenta"
 _ "github.com/argoproj/argo-rollouts/metricproviders/prometheus"
 _ "github.com/argoproj/argo-rollouts/utils/evaluate"
 _ "github.com/argoproj/argo-rollouts/utils/analysis"
 _ "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
 _ "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
)
