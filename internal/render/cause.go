package render

// Why is the kind of reason for which something is rendered, or not.
type Why string

// The closed set of reasons.
const (
	// Reused: every question would get the answer that it got before.
	Reused Why = "reused"
	// First: nothing like it was rendered before, or it is not kept any more.
	First Why = "first"
	// Options: the application asks for something else of the same files.
	Options Why = "options"
	// Files: a file that was read, a listing or an absent path changed.
	Files Why = "files"
	// Cluster: the destination serves something else, and that was asked for.
	Cluster Why = "cluster"
	// Lookup: an object of the destination that was looked at is another.
	Lookup Why = "lookup"
	// Elsewhere: a tree beyond the source's own changed.
	Elsewhere Why = "elsewhere"
	// Keys: other keys can open encrypted files.
	Keys Why = "keys"
	// Time: the last attempt took too long, and that was a while ago.
	Time Why = "time"
	// Corrupt: what was kept cannot be read.
	Corrupt Why = "corrupt"
)

// Cause is why a result was made, or not.
type Cause struct {
	Why Why `json:"why"`
	// What changed: a path, or a word.
	What string `json:"what,omitempty"`
}

// String reads "files: base/deployment.yaml".
func (c Cause) String() string {
	if c.What == "" {
		return string(c.Why)
	}
	return string(c.Why) + ": " + c.What
}
