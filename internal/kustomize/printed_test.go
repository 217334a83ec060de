package kustomize_test

import (
	"io"
	"log"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/kustomize"
)

func TestLinesLeavesOutNotes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, want string
		writes       []string
	}{
		{"a note goes", "", []string{"# Warning: 'vars' is deprecated. Run 'x'\n"}},
		{"what stands around it stays", "a\nb\n", []string{"a\n# Warning: 'bases' is\nb\n"}},
		{"a note in pieces goes", "a\nb", []string{"a\n# War", "ning: ", "'bases' is", " old\nb"}},
		{"a line that begins like one stays", "# Warning: beware\n", []string{"# Warning: beware\n"}},
		{"in the middle of a line it is another one's", "a # Warning: 'b'\n", []string{"a # Warning: 'b'\n"}},
		{"empty lines stay", "\n\n# \n", []string{"\n\n#", " \n"}},
		{"a prompt is not held back", "password: ", []string{"password: "}},
	} {
		var out strings.Builder
		w := kustomize.Lines(&out)
		for _, text := range tc.writes {
			if n, err := io.WriteString(w, text); n != len(text) || err != nil {
				t.Errorf("%s: wrote %d, %v", tc.reason, n, err)
			}
		}
		if out.String() != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, out.String(), tc.want)
		}
	}
}

func TestMessagesLeaveOutValuesOfVars(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	logger := log.New(kustomize.Messages(&out), "", log.LstdFlags)
	logger.Printf("MakePrimitiveReplacer: bad replacement type=%T val=%v", "", "hunter2\nhunter2")
	logger.Print("well-defined vars that were never replaced: A")
	logger.Print("http: TLS handshake error")
	if got := out.String(); strings.Contains(got, "hunter2") || strings.Contains(got, "vars") || !strings.Contains(got, "TLS") {
		t.Errorf("got %q", got)
	}
}
