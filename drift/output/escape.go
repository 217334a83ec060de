package output

// Prose makes Markdown show text as it is, whoever wrote it.
func Prose(text string) string { return prose(text) }

// Code is Prose for text that stands in a table as code.
func Code(text string) string { return code(text) }
