package jsonnet

// The two processes exchange JSON values: one job to the child, then for each
// thing that the child says at most one answer.

// job is all that a child is to do.
type job struct {
	Files        []file     `json:"files"`
	ExtVars      []variable `json:"extVars,omitempty"`
	TopLevelArgs []variable `json:"tlas,omitempty"`
	Memory       int64      `json:"memory"`
}

type file struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

// said is a question or a result, told apart by what is set.
type said struct {
	Import *wanted `json:"import,omitempty"`
	// Result is the JSON text of a file, in the order of the job's files;
	// Failed is why there is none.
	Result *string `json:"result,omitempty"`
	Failed string  `json:"failed,omitempty"`
}

// wanted asks for what a file imports. The answer is found.
type wanted struct {
	From string `json:"from"`
	Path string `json:"path"`
}

type found struct {
	At     string `json:"at,omitempty"`
	Data   []byte `json:"data,omitempty"`
	Failed string `json:"failed,omitempty"`
}
