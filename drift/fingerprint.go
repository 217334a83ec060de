package drift

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/drift/ownership"
)

// Mark is what is remembered of an object's managedFields between two looks.
type Mark = ownership.Mark

// Fingerprint reduces managedFields to a mark, seen from manager. While
// Mark.Suspicious answers no, nothing that Compare reports has changed, short
// of somebody writing under our name or a controller moving a value it owns.
func Fingerprint(managedFields []metav1.ManagedFieldsEntry, manager string) Mark {
	return ownership.Fingerprint(managedFields, manager)
}
