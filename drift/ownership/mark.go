package ownership

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// version is part of every stored hash: another way of hashing must not look
// like a change of the object.
const version = "v1:"

// Mark is what is remembered of an object's managedFields: enough to tell,
// from metadata alone, whether the object must be fetched and compared again.
type Mark struct {
	// Own is the hash of our Apply entry; empty when there is none.
	Own string `json:"own"`
	// Foreign are the claims of all others.
	Foreign []Foreign `json:"foreign,omitempty"`
	// Latest is the time of the last write that any entry tells, status aside:
	// the object's version is no older.
	Latest time.Time `json:"latest,omitzero"`
}

// Foreign is a claim of somebody else.
type Foreign struct {
	Manager     string `json:"manager"`
	Operation   string `json:"operation"`
	Subresource string `json:"subresource,omitempty"`
	// Time is left out for the status subresource: it moves with every
	// heartbeat.
	Time *time.Time `json:"time,omitempty"`
	// Fields is the hash of what is claimed, status aside.
	Fields string `json:"fields"`
	// Under says that the claim lies on or below a field that we declared.
	Under bool `json:"under,omitempty"`
	// Adds says that the claim has fields that we did not declare.
	Adds bool `json:"adds,omitempty"`
}

// Fingerprint reduces managedFields to a mark, seen from our manager.
func Fingerprint(entries []metav1.ManagedFieldsEntry, manager string) Mark {
	var mark Mark
	own := map[string]any{}
	var hashes []string
	ours := func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
	}
	for _, e := range entries {
		if e.Time != nil && e.Subresource != "status" && e.Time.After(mark.Latest) {
			mark.Latest = e.Time.UTC()
		}
		if ours(e) {
			fields := decode(e)
			merge(own, fields)
			hashes = append(hashes, hash(fields))
		}
	}
	if len(hashes) > 0 {
		slices.Sort(hashes)
		mark.Own = version + hash(hashes)
	}
	for _, e := range entries {
		if ours(e) {
			continue
		}
		fields := decode(e)
		claim := Foreign{
			Manager: e.Manager, Operation: string(e.Operation), Subresource: e.Subresource,
			Fields: version + hash(fields)[:16], Under: overlaps(own, fields), Adds: adds(own, fields),
		}
		if e.Time != nil && e.Subresource != "status" {
			t := e.Time.UTC()
			claim.Time = &t
		}
		mark.Foreign = append(mark.Foreign, claim)
	}
	return mark
}

// Suspicious reports whether the object has to be compared again, prev being
// the mark of when it last was: our entry is not what it was, or somebody
// else's claim on a field that counts came, went or changed.
func (m Mark) Suspicious(prev Mark) bool {
	return m.Own != prev.Own || !slices.Equal(m.relevant(), prev.relevant())
}

func (m Mark) relevant() []string {
	var out []string
	for _, f := range m.Foreign {
		if !f.Under && !f.Adds {
			continue
		}
		if text, err := json.Marshal(f); err == nil {
			out = append(out, string(text))
		}
	}
	slices.Sort(out)
	return out
}

// decode reads an entry's fields without status. What is malformed is empty.
func decode(e metav1.ManagedFieldsEntry) map[string]any {
	fields := map[string]any{}
	if e.FieldsV1 == nil {
		return fields
	}
	if err := json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields); err != nil || fields == nil {
		return map[string]any{}
	}
	delete(fields, "f:status")
	return fields
}

// hash does not depend on the order in which the server prints keys.
func hash(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return hash("")
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func merge(into, from map[string]any) {
	for name, value := range from {
		child, _ := value.(map[string]any)
		if have, ok := into[name].(map[string]any); ok && len(child) > 0 {
			merge(have, child)
			continue
		}
		if _, ok := into[name]; !ok {
			// A copy: what is merged next must not change the entry's own hash.
			into[name] = map[string]any{}
			merge(into[name].(map[string]any), child)
		}
	}
}

// overlaps reports a field that both claim. Items and maps that both merely
// contain something in are no overlap.
func overlaps(own, foreign map[string]any) bool {
	for name, value := range foreign {
		mine, ok := own[name].(map[string]any)
		if !ok || name == "." {
			continue
		}
		theirs, _ := value.(map[string]any)
		if len(mine) == 0 || len(theirs) == 0 || overlaps(mine, theirs) {
			return true
		}
	}
	return false
}

func adds(own, foreign map[string]any) bool {
	for name, value := range foreign {
		mine, ok := own[name].(map[string]any)
		if !ok {
			if name != "." {
				return true
			}
			continue
		}
		theirs, _ := value.(map[string]any)
		if len(mine) > 0 && adds(mine, theirs) {
			return true
		}
	}
	return false
}
