package jsonnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/google/go-jsonnet"
)

// Argument is the one that makes this program a child that evaluates: main
// must call Serve then, before anything else.
const Argument = "evaluate-jsonnet"

// outOfMemory is what a child says that had too much, in the runtime's words.
const outOfMemory = "out of memory"

// muchMemory is what a child says that has half of what it may: one that dies
// after it dies of the memory.
const muchMemory = "half of the memory is used"

// Serve does one job that it reads, as the child of an Evaluator. Whoever
// started it is gone when in ends; the process ends then as well, even in the
// middle of an evaluation.
func Serve(in io.Reader, out io.Writer) error {
	answers := make(chan json.RawMessage)
	go func() {
		defer os.Exit(1) // nobody is left to tell
		decoder := json.NewDecoder(in)
		for {
			var raw json.RawMessage
			if decoder.Decode(&raw) != nil {
				return
			}
			answers <- raw
		}
	}()
	var j job
	if err := json.Unmarshal(<-answers, &j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	if err := limit(j.Memory + j.Memory/2); err != nil {
		return fmt.Errorf("limit the memory: %w", err)
	}
	go watch(j.Memory)
	return evaluate(j, &parent{answers: answers, out: json.NewEncoder(out), known: map[string]jsonnet.Contents{}})
}

// watch ends this process when it has more memory than it may, and says so;
// and says when it has much. The system's limit lies above, for what is asked
// for at once: the runtime survives a refusal nowhere and dies of it in many
// ways (no thread could be started, a collector's queue that is nil), of which
// few tell the reason.
func watch(memory int64) {
	in := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	told := false
	for range time.Tick(5 * time.Millisecond) {
		metrics.Read(in)
		have := int64(in[0].Value.Uint64() - in[1].Value.Uint64()) //nolint:gosec // fits
		switch {
		case have > memory:
			fmt.Fprintln(os.Stderr, outOfMemory)
			os.Exit(1)
		case have > memory/2 && !told:
			told = true
			fmt.Fprintln(os.Stderr, muchMemory)
		}
	}
}

func evaluate(j job, p *parent) error {
	debug.SetMemoryLimit(j.Memory / 10 * 8) // collect harder before the hard limit
	vm := jsonnet.MakeVM()
	vm.Importer(p)
	vm.SetTraceOut(io.Discard)
	for _, v := range j.ExtVars {
		if v.Code {
			vm.ExtCode(v.Name, v.Value)
		} else {
			vm.ExtVar(v.Name, v.Value)
		}
	}
	for _, v := range j.TopLevelArgs {
		if v.Code {
			vm.TLACode(v.Name, v.Value)
		} else {
			vm.TLAVar(v.Name, v.Value)
		}
	}
	for _, f := range j.Files {
		text, err := vm.EvaluateSnippet(f.Path, string(f.Data)) //nolint:staticcheck // EvaluateFile would read the file once more through the importer
		result := said{Result: &text}
		if err != nil {
			result = said{Failed: err.Error()}
		}
		if err := p.out.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

// parent imports by asking.
type parent struct {
	answers <-chan json.RawMessage
	out     *json.Encoder
	known   map[string]jsonnet.Contents // by where it was found: the library wants the same value again
}

// Import implements jsonnet.Importer.
func (p *parent) Import(from, path string) (jsonnet.Contents, string, error) {
	var answer found
	if err := p.out.Encode(said{Import: &wanted{From: from, Path: path}}); err != nil {
		return jsonnet.Contents{}, "", err
	}
	if err := json.Unmarshal(<-p.answers, &answer); err != nil {
		return jsonnet.Contents{}, "", err
	}
	if answer.Failed != "" {
		return jsonnet.Contents{}, "", errors.New(answer.Failed)
	}
	contents, ok := p.known[answer.At]
	if !ok {
		contents = jsonnet.MakeContentsRaw(answer.Data)
		p.known[answer.At] = contents
	}
	return contents, answer.At, nil
}
