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
	Text     string // without options, comment and credentials; variables are replaced
	Name     string // normalised; empty where only a build would tell
	Location string // the part of Text that says where a package is which is in no index
	Kind     Kind   // what is there
	Path     string // of a tree or a file of the build context, relative to the file's folder
	At       diag.Range
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

// ParseLine reads one requirement as a file has it, with the source trees that
// are in a folder of the build context.
func ParseLine(text string, isTree func(folder string) bool) (Wanted, error) {
	text, _ = lock.StripCredentials(text)
	q, err := parseRequirement(text, isTree)
	if err != nil {
		return Wanted{}, err
	}
	return q.wanted(), nil
}

func wanted(all []*requirement) []Wanted {
	var list []Wanted
	for _, q := range all {
		list = append(list, q.wanted())
	}
	return list
}

func (q *requirement) wanted() Wanted {
	location := q.link.location
	if q.link.path != "" {
		location, _, _ = stripExtras(location) //nolint:errcheck // it has been parsed
	}
	return Wanted{Text: q.text, Name: q.name, Location: location, Kind: q.link.kind, Path: q.link.path, At: q.at}
}

// KindOf says what a URL leads to.
func KindOf(url string) Kind { return urlLink(url).kind }
