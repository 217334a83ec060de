package previews

import (
	"cmp"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/preview/post"
)

const (
	// maxStrangers bounds who is answered in one pull request without being
	// allowed to write.
	maxStrangers = 10
	// heardAgain is how old a command of somebody may be who could not write once
	// and can now: what was left unanswered must not happen long after.
	heardAgain   = time.Hour
	strangerWord = "stranger"
)

// stranger tells whether a command is of somebody who may not write. Who made
// the pull request without a fork may: it is on a branch of the repository.
func (rd *round) stranger(r post.Request) bool {
	author := !rd.pull.Fork && r.Comment.Author.Is(rd.pull.Author)
	return r.Stranger && !author
}

// hears tells whether a command is answered. Anybody may comment on a public
// pull request, and all answers share what the forge takes of our account: so a
// stranger is answered once in each, which the answer remembers.
func (s *Service) hears(rd *round, r post.Request, strangers map[string]bool) bool {
	who := strangerKey(r.Comment.Author)
	if !rd.stranger(r) {
		return !strangers[who] || s.o.Clock.Now().Sub(r.Comment.Created) < heardAgain
	}
	if r.Unknown || strangers[who] || len(strangers) >= maxStrangers {
		return false
	}
	strangers[who] = true
	return true
}

func strangerKey(a post.Author) string {
	return plainWord(cmp.Or(a.ID, "name-"+strings.ToLower(a.Name)))
}

// strangerNote ends the answer to a stranger.
func strangerNote(a post.Author) string {
	return "\nFurther commands of who may not write are not answered here.\n\n" + post.Hidden(strangerWord+" "+strangerKey(a)) + "\n"
}
