package previews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
)

const (
	// early is how much older than our comment a command may be: both are made
	// when a pull request is opened.
	early = time.Minute
	// maxCommands bounds the commands of one look.
	maxCommands = 20
	maxSyncs    = 200
	// syncTime bounds asking for syncs, with the answer that goes before.
	syncTime = 10 * time.Minute
)

// commands answers what is asked for in comments, each once: a command with an
// answer is not read again, and of what must not happen twice the answer is
// posted first. It gives the requests for a preview, which are answered once
// that has begun.
func (s *Service) commands(ctx context.Context, rd *round) (previews []post.Request, err error) {
	if !rd.has {
		return nil, nil // what is asked for now is seen at the next look
	}
	requests, err := rd.thread.Requests(ctx, rd.own.Created.Add(-early), s.answerMarker)
	if err != nil {
		return nil, err
	}
	strangers, heard := rd.thread.Noted(strangerWord), 0
	for _, request := range requests {
		if !s.hears(rd, request, strangers) {
			continue
		}
		if heard++; heard > maxCommands {
			rd.w.later(rd.pull.Number, s.o.Clock.Now().Add(time.Minute))
			break
		}
		var result string
		switch request.Verb {
		case post.VerbPreview:
			if why := rd.refuses(request); why != "" {
				result, err = s.refuse(ctx, rd, request, why)
				break
			}
			result, previews = "done", append(previews, request)
		case post.VerbSync:
			result, err = s.askSync(ctx, rd, request)
		default:
			result, err = "done", s.answer(ctx, rd, request, help())
		}
		if err != nil {
			return nil, err
		}
		s.o.Metrics.Commanded(string(request.Verb), result)
		s.o.Log.Info("somebody asked in a comment", "repository", rd.r.Name, "pull", rd.pull.Number, "verb", string(request.Verb), "by", request.Comment.Author.Name, "result", result)
	}
	return previews, nil
}

// answerMarker begins the answer to a comment.
func (s *Service) answerMarker(c post.Comment) string {
	marker := strings.Replace(strings.TrimSuffix(comment.Marker(s.o.Instance), " -->"), "trueup:preview", "trueup:answer", 1)
	return marker + " to=" + plainWord(c.ID) + " -->"
}

// plainWord is an id as a hidden line can hold it.
func plainWord(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, id)
}

// answer posts or edits the answer to a command. The text is Markdown.
func (s *Service) answer(ctx context.Context, rd *round, to post.Request, text string) error {
	words := append([]string{"/trueup", string(to.Verb)}, to.Args...)
	body := s.answerMarker(to.Comment) + "\n" + markdown.Code(post.Short(strings.Join(words, " "), 200)) + " by " + markdown.Text(to.Comment.Author.Name) + ": " + text + "\n"
	if rd.stranger(to) {
		body += strangerNote(to.Comment.Author)
	}
	_, err := rd.w.poster.Comment(ctx, rd.pull.Number, body)
	if err != nil {
		return fmt.Errorf("answer /trueup %s: %w", to.Verb, err)
	}
	return nil
}

func help() string {
	return "these are the commands, each on the first line of a comment.\n\n" +
		"| Command | Does | Who |\n|---|---|---|\n" +
		"| `/trueup preview` | previews again | who may write, and the author unless the change comes from a fork |\n" +
		"| `/trueup sync [APPLICATION...]` | syncs the applications that this pull request changes, once it is merged | who may write |\n" +
		"| `/trueup help` | says this | everybody, once |\n"
}

// refuse answers that nothing is done, and why.
func (s *Service) refuse(ctx context.Context, rd *round, to post.Request, why string) (string, error) {
	return "refused", s.answer(ctx, rd, to, "refused: "+markdown.Text(why)+".")
}

// refuses says why nobody previews because of a request; empty is that it is
// granted.
func (rd *round) refuses(r post.Request) string {
	switch {
	case rd.pull.State != post.Open:
		return "the pull request is not open any more"
	case rd.pull.Fork && rd.r.Settings.Forks == ForksOff:
		return "changes from forks are not previewed here"
	case rd.stranger(r):
		return r.Why
	}
	return ""
}

// askSync syncs applications that the pull request changes. It says that it
// begins before it does: who restarts in between does not sync twice.
func (s *Service) askSync(ctx context.Context, rd *round, r post.Request) (string, error) {
	if !r.Allowed {
		return s.refuse(ctx, rd, r, r.Why)
	}
	switch {
	case rd.pull.State == post.Closed:
		return s.refuse(ctx, rd, r, "the pull request was closed without being merged")
	case rd.pull.State == post.Open && !rd.r.Settings.SyncBefore:
		return s.refuse(ctx, rd, r, "the pull request is not merged yet, and the setting previewSync of this repository does not permit it before then")
	}
	if why := rd.unseen(); why != "" {
		return s.refuse(ctx, rd, r, why)
	}
	apps, unknown := chosen(rd.state, r.Args)
	switch {
	case len(unknown) > 0:
		return s.refuse(ctx, rd, r, "this pull request does not change "+strings.Join(unknown, ", "))
	case len(apps) == 0:
		return s.refuse(ctx, rd, r, "this pull request changes no application that could be synced")
	case len(apps) > maxSyncs:
		return s.refuse(ctx, rd, r, fmt.Sprintf("this pull request changes %d applications, and %d can be synced at once: name some", len(apps), maxSyncs))
	}
	// With an answer it is not read again, so that nothing but the end of the
	// agent may stop it from here on.
	steady, done := s.steady(ctx, syncTime)
	defer done()
	if err := s.answer(steady, rd, r, fmt.Sprintf("syncing %d of the applications.", len(apps))); err != nil {
		return "", err
	}
	by := fmt.Sprintf("%s (pull request %d)", r.Comment.Author.Name, rd.pull.Number)
	var lines []string
	var failures []error
	for _, app := range apps {
		err := s.o.Applications.Sync(steady, rd.r, app, by)
		text := "a sync was asked for"
		if err != nil {
			text = "not synced: " + markdown.Text(err.Error())
			failures = append(failures, err)
		}
		lines = append(lines, "- "+markdown.Text(app.Name)+": "+text)
	}
	result := "done"
	if err := errors.Join(failures...); err != nil {
		result = "failed"
		if fault.Of(err) == fault.Denied {
			result = "refused"
		}
	}
	last, done := s.steady(ctx, postTime)
	defer done()
	if err := s.answer(last, rd, r, "\n\n"+strings.Join(lines, "\n")); err != nil {
		s.o.Log.Error(err, "what became of a sync that was asked for in a comment is not told", "repository", rd.r.Name, "pull", rd.pull.Number, "result", strings.Join(lines, "; "))
	}
	return result, nil
}

// chosen are the applications of a preview that still exist, or those of them
// with these names.
func chosen(state follow.State, names []string) (apps []follow.App, unknown []string) {
	for _, app := range state.Apps {
		if !app.Deleted && (len(names) == 0 || slices.Contains(names, app.Name)) {
			apps = append(apps, app)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(apps, func(a follow.App) bool { return a.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	return apps, unknown
}
