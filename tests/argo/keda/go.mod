// Only its CRDs are read: a module of its own, so that nothing of KEDA is built and its dependencies are not ours.
module serinus.test/keda

go 1.24

require github.com/kedacore/keda/v2 v2.16.1
