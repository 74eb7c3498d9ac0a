// Package offline is an index for tests that ask which file of a lock is
// chosen, not where it is: every file that the lock names is there.
package offline

import (
	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// URL is what the addresses of all files begin with.
const URL = "https://files.example/"

// Index has what the lock names, and nothing of packages that it only has
// hashes of.
type Index struct{}

// Find implements lock.Index.
func (Index) Find(queries []lock.Query) ([]lock.Found, error) {
	found := make([]lock.Found, len(queries))
	for i, q := range queries {
		for _, f := range q.Files {
			f.URL = URL + f.Name
			found[i].Files = append(found[i].Files, f)
		}
		if len(q.Files) == 0 {
			found[i].Err = lock.NotInIndex.Errorf(diag.Range{}, "%s cannot be looked up offline", q)
		}
	}
	return found, nil
}
