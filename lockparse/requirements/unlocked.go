package requirements

import (
	"maps"
	"slices"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Unlocked is what a requirements file without any hash asks a resolver for.
// Indexes are those of the lock.
type Unlocked struct {
	Requirements []Wanted
	Constraints  []Wanted
	Pre          bool     // of --pre: pre-releases are admitted
	NoBinary     []string // normalised names, or ":all:"
	OnlyBinary   []string
}

// Wanted is a requirement as the file has it.
type Wanted struct {
	Text string // without options, comment and credentials; variables are replaced
	Name string // normalised; empty where only a build would tell
	Path string // of a source tree or an archive in the build context, relative to the file's folder
	Git  bool   // it is a repository
	At   diag.Range
}

// Input gives what a requirements file asks a resolver for, nil if it is no
// such file, or one of which a part has hashes: pip would then refuse the rest.
func Input(l *lock.Lock) *Unlocked {
	f, ok := l.Resolver.(*file)
	if !ok || f.hashMode {
		return nil
	}
	return &Unlocked{
		Requirements: wanted(f.requirements),
		Constraints:  wanted(f.constraints),
		Pre:          f.pre,
		NoBinary:     slices.Sorted(maps.Keys(f.formats.noBinary)),
		OnlyBinary:   slices.Sorted(maps.Keys(f.formats.onlyBinary)),
	}
}

func wanted(all []*requirement) []Wanted {
	var list []Wanted
	for _, q := range all {
		list = append(list, Wanted{Text: q.text, Name: q.name, Path: q.link.path, Git: q.link.kind == repository, At: q.at})
	}
	return list
}
