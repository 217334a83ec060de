package main

import (
	"io"
	"log"
	"os"
	"strings"

	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/markdown"
)

// ownStderr keeps what kustomize's library prints off standard error. It takes
// the place of os.Stderr, which that library names, and so must run before
// anything else reads it; flush, at the end of the process, waits until all was
// passed on.
func ownStderr() (flush func()) {
	real := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	os.Stderr = w
	log.SetOutput(kustomize.Messages(real))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(kustomize.Lines(real), r)
	}()
	return func() {
		_ = w.Close()
		<-done
	}
}

// printable is an error without anything that a terminal would act on: errors
// quote what strangers wrote. Lines stay.
func printable(err error) string {
	all := strings.Split(strings.ReplaceAll(err.Error(), "\t", "    "), "\n")
	for i := range all {
		all[i] = markdown.Visible(all[i])
	}
	return strings.Join(all, "\n")
}
