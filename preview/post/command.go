package post

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Verb is what a command asks for.
type Verb string

// The verbs.
const (
	VerbPreview Verb = "preview"
	VerbSync    Verb = "sync"
	VerbHelp    Verb = "help"
)

// Command is what somebody asks for in a comment.
type Command struct {
	Verb Verb
	// Args are the words after the verb: printable, no more than maxArgs.
	Args []string
	// Unknown: there was a verb, and it is none of these.
	Unknown bool
}

const (
	maxLine = 1_000
	maxArgs = 50
)

// Parse reads the first line of a comment: /trueup, a verb and words. False is
// that it is no command. A verb that there is not is VerbHelp, so that who
// mistyped is told what there is.
func Parse(body string) (Command, bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(body, "\r\n"), "\n")
	if len(line) > maxLine {
		return Command{}, false
	}
	// A line that is set in is code, and no command.
	if !strings.HasPrefix(line, "/trueup") {
		return Command{}, false
	}
	words := strings.Fields(line)
	if words[0] != "/trueup" || len(words) > maxArgs+2 || strings.ContainsFunc(line, unprintable) {
		return Command{}, false
	}
	c := Command{Verb: VerbHelp}
	if len(words) > 1 {
		switch v := Verb(strings.ToLower(words[1])); v {
		case VerbPreview, VerbSync, VerbHelp:
			c.Verb = v
			if len(words) > 2 {
				c.Args = words[2:]
			}
		default:
			c.Unknown = true
		}
	}
	return c, true
}

func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\r' || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Request is a command of somebody.
type Request struct {
	Command
	Comment Comment
	// Allowed: who wrote it may push to the repository. Help is for everybody.
	Allowed bool
	// Stranger: who wrote it may not push, as far as the forge says.
	Stranger bool
	// Why says why not.
	Why string
}

// Requests gives the commands of a pull request since a time, the oldest
// first. What we wrote ourselves asks for nothing. Where the forge cannot say
// what somebody may do, the answer is no.
//
// A comment that is older and was edited since is left out: who could write
// when it was made may not be who edited it. The time is inclusive, so callers
// remember what they answered.
func (p *Poster) Requests(ctx context.Context, pull int64, since time.Time) ([]Request, error) {
	all, err := p.repository().Comments.List(ctx, pull, since)
	if err != nil {
		return nil, fmt.Errorf("read what is asked for in the pull request %d: %w", pull, err)
	}
	var me *Author
	mine := func() (Author, error) {
		if me == nil {
			who, err := p.me(ctx)
			if err != nil {
				return Author{}, err
			}
			me = &who
		}
		return *me, nil
	}
	return p.asked(ctx, all, since, mine)
}

// asked finds the commands among comments.
func (p *Poster) asked(ctx context.Context, all []Comment, since time.Time, mine func() (Author, error)) ([]Request, error) {
	var out []Request
	known := map[Author]Request{}
	for _, c := range all {
		command, ok := Parse(c.Body)
		if !ok || c.Created.Before(since) {
			continue // it was edited since
		}
		me, err := mine()
		if err != nil {
			return nil, err
		}
		if c.Author.Is(me) {
			continue
		}
		verdict, ok := known[c.Author]
		if !ok {
			if verdict, err = p.judge(ctx, c.Author); err != nil {
				return nil, err
			}
			known[c.Author] = verdict
		}
		verdict.Command, verdict.Comment, verdict.Stranger = command, c, !verdict.Allowed
		if command.Verb == VerbHelp {
			verdict.Allowed, verdict.Why = true, ""
		}
		out = append(out, verdict)
	}
	return out, nil
}

func (p *Poster) judge(ctx context.Context, who Author) (Request, error) {
	may, err := p.repository().Accounts.MayWrite(ctx, who)
	switch {
	case fault.Of(err) == fault.Denied:
		return Request{Why: "the forge does not say what " + who.Name + " may do: " + err.Error()}, nil
	case err != nil:
		return Request{}, fmt.Errorf("ask what %s may do: %w", who.Name, err)
	case !may:
		return Request{Why: who.Name + " may not write to this repository"}, nil
	}
	return Request{Allowed: true}, nil
}
