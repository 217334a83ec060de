package manifest

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
)

// decode returns the document's value and the line of its content, or of the
// error.
func (d document) decode() (any, int, error) {
	value, err := d.value()
	if err == nil && deep(value, MaxDepth) {
		err = fault.New(fault.Invalid, "its values are nested deeper than %d", MaxDepth)
	}
	if err == nil {
		return value, d.firstLine(), nil
	}
	message := regexp.MustCompile(`line (\d+): `).FindStringSubmatch(err.Error())
	if message == nil {
		return nil, d.firstLine(), err
	}
	n, _ := strconv.Atoi(message[1])
	text := strings.NewReplacer("error converting YAML to JSON: ", "", message[0], "").Replace(err.Error())
	return nil, d.line + n - 1, errors.New(strings.Join(strings.Fields(text), " "))
}

// value reads numbers, booleans and keys as Kubernetes does: YAML by the
// rules of YAML 1.1, where yes and on are true.
func (d document) value() (any, error) {
	var value any
	if d.json {
		strict, err := strictjson.UnmarshalStrict(d.text, &value, strictjson.DisallowDuplicateFields)
		return value, errors.Join(append(strict, err)...)
	}
	if err := bound(d.text); err != nil {
		return nil, err
	}
	raw, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return nil, err
	}
	return value, json.Unmarshal(raw, &value)
}
