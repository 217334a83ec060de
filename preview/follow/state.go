package follow

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/post"
)

// State is what a comment remembers of its preview.
type State struct {
	// Head and Base were compared, under settings that Key stands for.
	Head string `json:"head,omitempty"`
	Base string `json:"base,omitempty"`
	Key  string `json:"key,omitempty"`
	// At is when that was done, in seconds since 1970.
	At int64 `json:"at,omitempty"`
	// Failures counts the attempts that failed one after the other; Lasting says
	// that another attempt would fail, too.
	Failures int  `json:"failures,omitempty"`
	Lasting  bool `json:"lasting,omitempty"`
	// Asked: nothing is previewed until somebody who may write asks for it.
	Asked bool `json:"asked,omitempty"`
	// Apps are the applications that change, Cut counts those that had no room.
	Apps []App `json:"apps,omitempty"`
	Cut  int   `json:"cut,omitempty"`
	// Merged is when the merge was first seen, in seconds since 1970.
	Merged int64 `json:"merged,omitempty"`
	// Settled: what became of the merge is told for good.
	Settled bool `json:"settled,omitempty"`
}

// App is an application that the change touches.
type App struct {
	Namespace string `json:"ns,omitempty"`
	Name      string `json:"name"`
	Cluster   string `json:"cluster,omitempty"`
	// Deleted: the change takes it away. Still: none of its objects change.
	Deleted bool `json:"deleted,omitempty"`
	Still   bool `json:"still,omitempty"`
}

const (
	stateWord = "state"
	version   = "v1 "
	// maxLine bounds the line in a comment, maxText what it may unfold to.
	maxLine = 12_000
	maxText = 1 << 20
	maxApps = 2_000
)

// Apps are the applications that a report changes.
func Apps(r preview.Report) []App {
	var out []App
	for _, a := range r.Apps {
		if a.Problem != nil && !a.Problem.Only && len(a.Objects) == 0 && len(a.Settings) == 0 {
			continue
		}
		if a.Action == preview.Delete && a.Kept != "" {
			continue // it stays as it is, and there is nothing to wait for
		}
		out = append(out, App{
			Namespace: a.Namespace, Name: a.Name, Cluster: a.Cluster, Deleted: a.Action == preview.Delete, Still: len(a.Objects) == 0 && a.Problem == nil,
		})
	}
	return out
}

// Time is when the preview was made.
func (s State) Time() time.Time { return time.Unix(s.At, 0) }

// Line is the state as a hidden line. Applications that have no room are
// counted in it only.
func (s State) Line() string {
	s.Apps = slices.Clone(s.Apps)
	if n := len(s.Apps); n > maxApps {
		s.Cut += n - maxApps
		s.Apps = s.Apps[:maxApps]
	}
	for {
		text := s.encode()
		if len(text) <= maxLine || len(s.Apps) == 0 {
			return post.Hidden(stateWord + " " + version + text)
		}
		n := len(s.Apps) * maxLine / len(text)
		n = min(n, len(s.Apps)-1)
		s.Cut += len(s.Apps) - n
		s.Apps = s.Apps[:n]
	}
}

func (s State) encode() string {
	data, err := json.Marshal(s)
	if err != nil {
		return "" // cannot be: it holds texts and numbers
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return ""
	}
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// Read reads the state of a comment. False is that it has none that can be
// read: nothing is known then.
func Read(body string) (State, bool) {
	text, ok := post.Lookup(body, stateWord)
	if !ok || len(text) > 2*maxLine {
		return State{}, false
	}
	text, ok = strings.CutPrefix(text, version)
	if !ok {
		return State{}, false
	}
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return State{}, false
	}
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxText+1))
	var s State
	if err != nil || len(data) > maxText || json.Unmarshal(data, &s) != nil || len(s.Apps) > maxApps {
		return State{}, false
	}
	return s, true
}

// With puts the state into a comment, below its marker, in place of the one
// that is there.
func (s State) With(body string) string {
	first, rest, _ := strings.Cut(body, "\n")
	if line, after, _ := strings.Cut(strings.TrimLeft(rest, "\r\n"), "\n"); isState(line) {
		rest = after
	}
	return first + "\n" + s.Line() + "\n" + rest
}

func isState(line string) bool {
	_, ok := post.Lookup(line, stateWord)
	return ok
}
