// Package markdown writes text that others chose into Markdown, so that it is
// shown as it is and cannot become markup, a mention or a link.
//
// It does not know what the text is about.
package markdown

import (
	"fmt"
	"strconv"
	"strings"
)

// Text is text for a paragraph, a heading or a cell of a table: one line.
func Text(text string) string {
	var b strings.Builder
	for _, r := range Visible(text) {
		if strings.ContainsRune("&<>\"'`|\\*_~#!@[]()$\n\r", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "://", "&#58;//")
}

// Code is text in the font of code. An element with entities, not backticks:
// inside a table no other form holds every value.
func Code(text string) string {
	if text == "" {
		return "-"
	}
	return "<code>" + Text(text) + "</code>"
}

// Visible shows what does not print as escapes, and bytes that are no UTF-8 as
// U+FFFD.
func Visible(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// Fence is a line of backticks that ends no sooner than it should: longer than
// any run of them in the text. It has at least three.
func Fence(text string) string {
	longest, run := 2, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}
