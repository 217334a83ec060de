// Package sqlite3 stands in for the driver of that name: it registers the
// same name for a SQLite in pure Go, so that a forge for tests is built
// without a C compiler.
//
// It does not know what is stored.
package sqlite3

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite"
)

func init() { sql.Register("sqlite3", translated{&sqlite.Driver{}}) }

// translated takes data source names in the other driver's form.
type translated struct{ driver.Driver }

func (t translated) Open(name string) (driver.Conn, error) {
	path, query, _ := strings.Cut(name, "?")
	asked, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("read the data source name: %w", err)
	}
	given := url.Values{"mode": asked["mode"], "_txlock": asked["_txlock"], "_time_format": {"sqlite"}}
	for _, pragma := range []string{"busy_timeout", "journal_mode"} {
		if v := asked.Get("_" + pragma); v != "" {
			given.Add("_pragma", pragma+"("+v+")")
		}
	}
	return t.Driver.Open(path + "?" + given.Encode())
}
