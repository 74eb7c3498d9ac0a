package resolve

// Files of the request's own that uv reads.
const (
	requirementsFile = "requirements.in"
	constraintsFile  = "constraints.txt"
)

// AllFiles gives the content of the files that uv finds beside trees and
// repositories, by their paths.
func (r *Request) AllFiles() map[string]string {
	files := map[string]string{}
	for name, content := range r.Files {
		files[name] = content
	}
	for name, lines := range map[string][]Line{requirementsFile: r.Requirements, constraintsFile: r.Constraints} {
		if len(lines) > 0 {
			files[name] = text(lines)
		}
	}
	return files
}
