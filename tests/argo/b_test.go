package argo
import _ "github.com/argoproj/argo-rollouts/analysis"
