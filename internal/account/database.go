package account

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imagespec/imagespec/internal/tree"
)

// user is an account, found or made.
type user struct {
	name     string
	uid, gid int
	home     string
	homeMode fs.FileMode
	fresh    bool // the base does not have it
}

// database is one of the files of lines of fields, such as /etc/passwd. Lines
// that are not understood stay as they are.
type database struct {
	name    string // resolved path
	info    fs.FileInfo
	lines   []string
	changed bool
}

func (l *layer) database(name string) (*database, error) {
	resolved, err := l.base.resolve(name)
	if err != nil {
		return nil, err
	}
	text, info, err := l.base.read(resolved)
	if err != nil {
		return nil, err
	}
	d := &database{name: resolved, info: info}
	if text = bytes.TrimSuffix(text, []byte("\n")); len(text) > 0 {
		d.lines = strings.Split(string(text), "\n")
	}
	return d, nil
}

// find gives the first line with a value in a field, or -1. Lines of NIS are
// none.
func (d *database) find(field int, value string) (int, []string) {
	for i, line := range d.lines {
		fields := strings.Split(line, ":")
		if len(fields) > field && fields[field] == value && !nis(line) {
			return i, fields
		}
	}
	return -1, nil
}

// nis tells whether a line is an instruction to ask NIS.
func nis(line string) bool { return strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") }

// add puts a line at the end, but before those of NIS, which may match any name.
func (d *database) add(fields ...string) {
	at := slices.IndexFunc(d.lines, nis)
	if at < 0 {
		at = len(d.lines)
	}
	d.lines = slices.Insert(d.lines, at, strings.Join(fields, ":"))
	d.changed = true
}

// addMember adds a name to the last field of a line, a list, if it is not there.
func (d *database) addMember(line int, fields []string, name string) {
	members := strings.Split(fields[3], ",")
	if slices.Contains(members, name) {
		return
	}
	fields[3] = strings.TrimPrefix(fields[3]+","+name, ",")
	d.lines[line] = strings.Join(fields, ":")
	d.changed = true
}

// ids gives the numbers in a field, in the order of the lines.
func (d *database) ids(field int) []int {
	var ids []int
	for _, line := range d.lines {
		fields := strings.Split(line, ":")
		if len(fields) <= field || nis(line) {
			continue
		}
		if id, err := strconv.Atoi(fields[field]); err == nil && id >= 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// save writes a changed file, with the mode and owner that it had.
func (l *layer) save(files ...*database) error {
	for _, d := range files {
		if !d.changed {
			continue
		}
		m := meta{mode: 0o644}
		if d.info != nil {
			m = metaOf(d.info)
		}
		m.time = tree.ModTime()
		if err := l.file(d.name, m, strings.NewReader(strings.Join(d.lines, "\n")+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// databases are the files of accounts. Of the last four, one that the base does
// not have is not made.
type databases struct {
	passwd, group, shadow, gshadow, subuid, subgid *database
	defs                                           settings
}

func (l *layer) databases() (db databases, err error) {
	for _, f := range []struct {
		name string
		into **database
	}{
		{"etc/passwd", &db.passwd},
		{"etc/group", &db.group},
		{"etc/shadow", &db.shadow},
		{"etc/gshadow", &db.gshadow},
		{"etc/subuid", &db.subuid},
		{"etc/subgid", &db.subgid},
	} {
		if *f.into, err = l.database(f.name); err != nil {
			return db, err
		}
	}
	defs, err := l.database("etc/login.defs")
	if err != nil {
		return db, err
	}
	db.defs = parseSettings(defs.lines)
	return db, nil
}

// account finds a user or makes it, and puts it into the group root.
func (l *layer) account(name string) (user, error) {
	db, err := l.databases()
	if err != nil {
		return user{}, err
	}
	u := user{name: name, homeMode: db.defs.homeMode()}
	if _, fields := db.passwd.find(0, name); fields != nil {
		err = u.parse(fields)
	} else {
		shell := "/bin/bash"
		if found, existsErr := l.base.exists(shell); existsErr != nil || !found {
			shell = "/bin/sh"
		}
		err = db.add(&u, shell)
	}
	if err != nil {
		return u, err
	}
	if u.gid != 0 {
		if err := db.joinRoot(name); err != nil {
			return u, err
		}
	}
	return u, l.save(db.passwd, db.group, db.shadow, db.gshadow, db.subuid, db.subgid)
}

// parse takes the fields of passwd(5).
func (u *user) parse(fields []string) (err error) {
	bad := fmt.Errorf("/etc/passwd of the base: the line of %s is malformed: %q", u.name, strings.Join(fields, ":"))
	if len(fields) != 7 || !path.IsAbs(fields[5]) {
		return bad
	}
	uid, uidErr := strconv.ParseUint(fields[2], 10, 31)
	gid, gidErr := strconv.ParseUint(fields[3], 10, 31)
	if uidErr != nil || gidErr != nil {
		return bad
	}
	u.uid, u.gid, u.home = int(uid), int(gid), path.Clean(fields[5])
	return nil
}

// add makes the user, and a group of the same name. A group that is there
// already becomes the user's, where useradd would give up.
func (db databases) add(u *user, shell string) (err error) {
	u.fresh, u.home = true, "/home/"+u.name
	low, high := db.defs.number("UID_MIN", 1000), db.defs.number("UID_MAX", 60000)
	if u.uid, err = free(db.passwd.ids(2), low, high); err != nil {
		return fmt.Errorf("/etc/passwd of the base: %w", err)
	}
	if err := db.ownGroup(u); err != nil {
		return err
	}
	password := "!"
	if db.shadow.info != nil {
		password = "x"
		db.shadow.add(u.name, "!", "", db.defs.text("PASS_MIN_DAYS"), db.defs.text("PASS_MAX_DAYS"), db.defs.text("PASS_WARN_AGE"), "", "", "")
	}
	db.passwd.add(u.name, password, strconv.Itoa(u.uid), strconv.Itoa(u.gid), "", u.home, shell)
	db.subuid.addRange(u.name, db.defs, "SUB_UID_")
	db.subgid.addRange(u.name, db.defs, "SUB_GID_")
	return nil
}

// ownGroup gives the user the group of its name: with the number of the user
// if it is free, as useradd does.
func (db databases) ownGroup(u *user) (err error) {
	if _, fields := db.group.find(0, u.name); fields != nil {
		if len(fields) > 2 {
			if u.gid, err = strconv.Atoi(fields[2]); err == nil {
				return nil
			}
		}
		return fmt.Errorf("/etc/group of the base: the line of %s is malformed: %q", u.name, strings.Join(fields, ":"))
	}
	used := db.group.ids(2)
	u.gid = u.uid
	low, high := db.defs.number("GID_MIN", 1000), db.defs.number("GID_MAX", 60000)
	if slices.Contains(used, u.gid) || u.gid < low || u.gid > high {
		if u.gid, err = free(used, low, high); err != nil {
			return fmt.Errorf("/etc/group of the base: %w", err)
		}
	}
	password := "!"
	if db.gshadow.info != nil {
		password = "x"
		db.gshadow.add(u.name, "!", "", "")
	}
	db.group.add(u.name, password, strconv.Itoa(u.gid), "")
	return nil
}

// joinRoot makes a user a member of the group with number 0, whatever its name.
func (db databases) joinRoot(name string) error {
	line, fields := db.group.find(2, "0")
	if fields == nil {
		db.group.add("root", "x", "0", name)
		return nil
	}
	if len(fields) != 4 {
		return fmt.Errorf("/etc/group of the base: the line of group 0 is malformed: %q", db.group.lines[line])
	}
	db.group.addMember(line, fields, name)
	if line, shadowed := db.gshadow.find(0, fields[0]); len(shadowed) == 4 {
		db.gshadow.addMember(line, shadowed, name)
	}
	return nil
}

// free gives the number that useradd takes: one more than the highest in use
// between low and high, or the lowest that is free if there is none above.
func free(used []int, low, high int) (int, error) {
	next, taken := low, map[int]bool{}
	for _, id := range used {
		taken[id] = true
		if id >= next && id <= high {
			next = id + 1
		}
	}
	if next <= high {
		return next, nil
	}
	for id := low; id <= high; id++ {
		if !taken[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("no number from %d to %d is free", low, high)
}

// addRange gives the user the first free range of subordinate numbers
// (subuid(5)), if the base has the file. Where none is free it gets none.
func (d *database) addRange(name string, defs settings, prefix string) {
	if d.info == nil {
		return
	}
	start, high := defs.number(prefix+"MIN", 100000), defs.number(prefix+"MAX", 600100000)
	count := defs.number(prefix+"COUNT", 65536)
	type span struct{ start, count int }
	var spans []span
	for _, line := range d.lines {
		fields := strings.Split(line, ":")
		if len(fields) != 3 {
			continue
		}
		first, err1 := strconv.Atoi(fields[1])
		n, err2 := strconv.Atoi(fields[2])
		if err1 == nil && err2 == nil {
			spans = append(spans, span{first, n})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for _, s := range spans {
		if s.start >= start+count {
			break
		}
		start = max(start, s.start+s.count)
	}
	if count > 0 && start+count-1 <= high {
		d.add(name, strconv.Itoa(start), strconv.Itoa(count))
	}
}

// settings are the values of /etc/login.defs.
type settings map[string]string

func parseSettings(lines []string) settings {
	s := settings{}
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) >= 2 && !strings.HasPrefix(fields[0], "#") {
			s[fields[0]] = fields[1]
		}
	}
	return s
}

// number gives a number, decimal or as in C, or the default of useradd.
func (s settings) number(name string, otherwise int) int {
	if n, err := strconv.ParseInt(s[name], 0, 32); err == nil && n >= 0 {
		return int(n)
	}
	return otherwise
}

// text gives a number as it is written to /etc/shadow: empty where there is
// none.
func (s settings) text(name string) string {
	if n := s.number(name, -1); n >= 0 {
		return strconv.Itoa(n)
	}
	return ""
}

// homeMode gives HOME_MODE, else what UMASK leaves.
func (s settings) homeMode() fs.FileMode {
	return fs.FileMode(s.number("HOME_MODE", 0o777&^s.number("UMASK", 0o022)) & 0o777)
}
