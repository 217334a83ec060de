package text

import (
	"fmt"
	"regexp"
	"strings"
)

var notInName = regexp.MustCompile(`[^-a-z0-9.]`)

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// Normalize makes a name that objects can have: lower case, a dash for every
// other character than letters, digits, dashes and dots, at most 253 bytes,
// without dashes and dots at its ends.
func Normalize(name string) string {
	name = notInName.ReplaceAllString(strings.ToLower(name), "-")
	if len(name) > 253 {
		name = name[:253]
	}
	return strings.Trim(name, "-.")
}

// slugify [max [smart]] text is Slugify for templates: max is 50 and smart is
// true where they are not given.
func slugify(args ...any) (string, error) {
	limit, smart := 50, true
	if len(args) == 0 || len(args) > 3 {
		return "", fmt.Errorf("slugify takes [max] [smart] text")
	}
	name, ok := args[len(args)-1].(string)
	if len(args) > 1 {
		var okMax bool
		limit, okMax = args[0].(int)
		ok = ok && okMax && limit >= 0
	}
	if len(args) > 2 {
		var okSmart bool
		smart, okSmart = args[1].(bool)
		ok = ok && okSmart
	}
	if !ok {
		return "", fmt.Errorf("slugify takes [max] [smart] text")
	}
	return Slugify(name, limit, smart), nil
}

// Slugify makes a short name of lower-case letters, digits and single dashes,
// at most limit bytes. Smart cuts between words, and only where limit is not 0.
func Slugify(name string, limit int, smart bool) string {
	slug := Normalize(name)
	if !smart && len(slug) >= limit {
		slug = slug[:limit]
	}
	slug = strings.Trim(notInSlug.ReplaceAllString(slug, "-"), "-")
	if !smart || limit == 0 || len(slug) <= limit {
		return slug
	}
	if at := strings.LastIndexByte(slug[:limit+1], '-'); at >= 0 {
		return slug[:at]
	}
	return slug[:limit]
}
