package schema

// Scalar says how the text of a scalar is to be understood.
type Scalar string

// The scalars that matter when comparing.
const (
	Any         Scalar = ""
	String      Scalar = "string"
	Integer     Scalar = "integer"
	Number      Scalar = "number"
	Boolean     Scalar = "boolean"
	Quantity    Scalar = "quantity"      // 1000m is 1
	IntOrString Scalar = "int-or-string" // 80 is "80"
	Duration    Scalar = "duration"      // 60m is 1h
	Byte        Scalar = "byte"          // base64
	Time        Scalar = "time"          // RFC 3339
)

// List says what makes two lists equal.
type List string

// The list kinds of x-kubernetes-list-type.
const (
	ListAtomic List = "atomic" // in order, replaced as a whole
	ListSet    List = "set"    // scalars, in any order
	ListMap    List = "map"    // items addressed by Keys, in any order
)

// Type is the structure of a value. At most one of Fields and Elem is set;
// with neither, it is a scalar or of unknown structure. A nil *Type is an
// unknown structure as well, so that walks need no special case. Types may
// contain themselves.
type Type struct {
	Scalar Scalar
	// Fields are the known members of an object.
	Fields map[string]*Type
	// Elem is the type of a list's items, or of a map's values when List is
	// empty.
	Elem *Type
	List List
	// Keys address the items of a ListMap.
	Keys []string
	// Whole marks an object that has one owner only (x-kubernetes-map-type:
	// atomic).
	Whole bool
	// Default is what the server fills in, where the schema says so.
	Default any
	// Open marks an object that may have fields the schema does not list.
	Open bool
}

// Field is the type of a member; nil when it is not known.
func (t *Type) Field(name string) *Type {
	switch {
	case t == nil:
		return nil
	case t.Fields != nil:
		return t.Fields[name]
	case t.List == "":
		return t.Elem
	default:
		return nil
	}
}

// Item is the type of a list's items; nil when it is not known.
func (t *Type) Item() *Type {
	if t == nil || t.List == "" {
		return nil
	}
	return t.Elem
}

// IsMap reports a map of named values, as opposed to an object with known
// members.
func (t *Type) IsMap() bool {
	return t != nil && t.Elem != nil && t.List == "" && len(t.Fields) == 0
}

// Known reports whether the schema says anything about the structure.
func (t *Type) Known() bool {
	return t != nil && (t.Scalar != Any || t.Fields != nil || t.Elem != nil)
}

// Prune leaves out of a value what the type does not know.
func (t *Type) Prune(v any) any {
	if !t.Known() {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if child := t.Field(name); child != nil {
				out[name] = child.Prune(value)
			} else if t.Open {
				out[name] = value
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = t.Item().Prune(value)
		}
		return out
	}
	return v
}

// Filled is the default as the server stores it, with the defaults inside it;
// nil where there is none.
func (t *Type) Filled() any {
	const deepest = 16 // types may contain themselves
	if t == nil || t.Default == nil {
		return nil
	}
	return t.fill(t.Default, deepest)
}

func (t *Type) fill(v any, depth int) any {
	if t == nil || depth == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, child := range t.Fields {
			if child != nil && child.Default != nil {
				out[name] = child.fill(child.Default, depth-1)
			}
		}
		for name, value := range v {
			out[name] = t.Field(name).fill(value, depth-1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = t.Item().fill(value, depth-1)
		}
		return out
	}
	return v
}
