package resolve

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
)

// Files are what uv reads, by their names in its working directory.
const (
	requirementsFile = "requirements.in"
	constraintsFile  = "constraints.txt"
	overridesFile    = "overrides.txt"
	projectFile      = "pyproject.toml"
)

// Files gives the content of the files that Args names.
func (r *Request) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, lines := range map[string][]Line{
		requirementsFile: r.Requirements, constraintsFile: r.Constraints, overridesFile: r.Overrides,
	} {
		if len(lines) > 0 {
			files[name] = []byte(text(lines))
		}
	}
	if r.Project != nil {
		data, err := toml.Marshal(r.Project)
		if err != nil {
			return nil, fmt.Errorf("writing the project for uv: %w", err)
		}
		files[projectFile] = data
	}
	return files, nil
}
