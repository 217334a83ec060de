package main

import (
	"bytes"
	"context"
	"testing"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		code int
	}{
		"help is no error":                {[]string{"--help"}, exitOK},
		"the version is printed":          {[]string{"version"}, exitOK},
		"an unknown flag is wrong usage":  {[]string{"version", "--nope"}, exitUsage},
		"a stray argument is wrong usage": {[]string{"version", "now"}, exitUsage},
	}
	for name, tc := range tests {
		var out, errOut bytes.Buffer
		if code := run(context.Background(), tc.args, streams{out: &out, err: &errOut}); code != tc.code {
			t.Errorf("%s: exit code %d, want %d: %s", name, code, tc.code, errOut.String())
		}
	}
}
