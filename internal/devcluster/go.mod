module github.com/trueup-dev/trueup/internal/devcluster

go 1.26.0
