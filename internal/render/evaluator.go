package render

import "context"

// File is one file of a source.
type File struct {
	// Path is from the tree's root.
	Path string
	Data []byte
}

// Evaluator evaluates the Jsonnet files of a source of plain manifests, with
// the variables and libraries that the source names, and gives the JSON text
// of each. It reads files of req.Tree only.
type Evaluator interface {
	Evaluate(ctx context.Context, req Request, files []File) ([]string, error)
}
