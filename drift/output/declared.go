package output

import (
	"strconv"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/markdown"
)

// Declared tells in a line where Git declares a value and who touched that
// last, as far as it is known; empty where nothing is. What commits say of
// themselves is shown with all that does not print escaped.
func Declared(d *drift.Declaration) string {
	if d == nil || d.File == "" {
		return ""
	}
	verb, exact := "described", d.Precision == exactly
	if exact {
		verb = "declared"
	}
	text := verb + " in " + where(d)
	switch {
	case d.Older && d.Time != nil:
		return text + ", before " + d.Time.UTC().Format(time.DateOnly) + ": older history is not known"
	case d.Commit == "":
		return text
	case exact:
		return text + " by " + author(d) + " " + commit(d)
	}
	return text + ", which " + author(d) + " changed last " + commit(d)
}

// exactly is the precision of a line that declares the very value.
const exactly = "line"

func where(d *drift.Declaration) string {
	text := d.File
	if d.Line > 0 {
		text += ":" + strconv.Itoa(d.Line)
	}
	if d.Repository != "" {
		text += " of " + d.Repository
	}
	return markdown.Visible(text)
}

func author(d *drift.Declaration) string {
	if d.Author == "" {
		return "somebody without a name"
	}
	return short(markdown.Visible(d.Author))
}

// commit is (3f2a91c, 2026-03-01 "Scale web to 3").
func commit(d *drift.Declaration) string {
	text := "(" + markdown.Visible(d.Commit[:min(len(d.Commit), shortID)])
	if d.Time != nil {
		text += ", " + d.Time.UTC().Format(time.DateOnly)
	}
	if d.Subject != "" {
		text += " " + strconv.Quote(short(d.Subject))
	}
	return text + ")"
}

const shortID = 7

// short bounds what a commit says of itself on one line.
func short(text string) string {
	const most = 72
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// blamed is Declared where a commit is known, or that none is.
func blamed(d *drift.Declaration) string {
	if d == nil || d.Commit == "" && !d.Older {
		return ""
	}
	return Declared(d)
}

// spot is the file and the line that a difference is shown at: those of the
// value where they are known, else those of its object.
func spot(o drift.Object, d *drift.Declaration) (file string, line int) {
	if d != nil && d.Precision == exactly && d.Repository == "" {
		return d.File, d.Line
	}
	return place(o.Origin)
}

// declaredBy is a declaration of a status as the comparison told it.
func declaredBy(c *v1alpha1.DriftDeclaration) *drift.Declaration {
	if c == nil {
		return nil
	}
	d := &drift.Declaration{
		Repository: c.Repository, File: c.File, Line: c.Line, Precision: c.Precision,
		Commit: c.Commit, Author: c.Author, Subject: c.Subject, Older: c.Older,
	}
	if c.Time != nil {
		d.Time = &c.Time.Time
	}
	return d
}
