package lookup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/imagespec/imagespec/frontend/gateway"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Memory is a lock.Index that remembers what another one has answered, so that
// an unchanged lock asks no server. BuildKit has no place for that by itself:
// a page has no checksum, so its source is asked for in every build, and so is
// whatever is made of it. The engine keeps the answers in a cache mount
// instead, which two small steps without network read and write. It is not
// part of any cache key, and what it says is checked as an index's answer is:
// only files that have a digest of the lock are taken.
type Memory struct {
	servers  *Servers
	ctx      context.Context //nolint:containedctx // lock.Index has no context; it lives as long as one compile
	index    lock.Index
	anew     bool
	recalled bool
}

// Remember gives a memory for an index. Anew, the index is asked even if its
// answer is remembered.
func (s *Servers) Remember(ctx context.Context, index lock.Index, anew bool) *Memory {
	return &Memory{servers: s, ctx: ctx, index: index, anew: anew || s.Options.NoCache("index")}
}

// Recalled says whether the last answer was remembered.
func (m *Memory) Recalled() bool { return m.recalled }

// Paths in the steps of the memory.
const (
	memoPath   = "/bin/imagespec-memo"
	memoFolder = "/memory"
	memoOut    = "/out"
	answerFile = "answer"
	memoID     = "imagespec-index" // of the cache mount
)

// maxAnswer limits what is read back, in bytes: real answers have some 20 kB.
const maxAnswer = 16 << 20

// rememberedFiles is what is remembered: the files of each query.
type rememberedFiles [][]lock.File

// Find implements lock.Index.
func (m *Memory) Find(queries []lock.Query) ([]lock.Found, error) {
	question, err := json.Marshal(queries)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(question)
	key := hex.EncodeToString(sum[:])
	if !m.anew {
		found, err := m.recall(key, queries)
		if err != nil {
			return nil, fmt.Errorf("reading what is remembered of the index: %w", err)
		}
		if m.recalled = found != nil; m.recalled {
			return found, nil
		}
	}
	found, err := m.index.Find(queries)
	if err != nil || slices.ContainsFunc(found, func(f lock.Found) bool { return f.Err != nil }) {
		return found, err
	}
	if err := m.keep(key, found); err != nil {
		return nil, fmt.Errorf("remembering what the index has: %w", err)
	}
	return found, nil
}

// recall gives the answer that is remembered, nil if there is none. One that
// does not answer every query is none either.
func (m *Memory) recall(key string, queries []lock.Query) ([]lock.Found, error) {
	run := m.step("recall", key, path.Join(memoOut, answerFile))
	ref, err := m.servers.Engine.Run(m.ctx, run.AddMount(memoOut, llb.Scratch()))
	if err != nil {
		return nil, err
	}
	out := gateway.Open(m.ctx, ref)
	if !out.Has(answerFile) {
		return nil, nil //nolint:nilnil // nothing is remembered
	}
	data, err := out.ReadLarge(answerFile, maxAnswer)
	if err != nil {
		return nil, err
	}
	var files rememberedFiles
	if json.Unmarshal(data, &files) != nil || len(files) != len(queries) {
		return nil, nil //nolint:nilnil // an answer to something else
	}
	found := make([]lock.Found, len(queries))
	for i, q := range queries {
		if found[i].Files = q.Match(files[i]); len(found[i].Files) == 0 {
			return nil, nil //nolint:nilnil // what is remembered is wrong
		}
	}
	return found, nil
}

// keep remembers an answer.
func (m *Memory) keep(key string, found []lock.Found) error {
	files := make(rememberedFiles, len(found))
	for i, f := range found {
		files[i] = f.Files
	}
	data, err := json.Marshal(files)
	if err != nil {
		return err
	}
	const in = "/in"
	run := m.step("keep", key, path.Join(in, answerFile))
	answer := llb.Scratch().File(llb.Mkfile(answerFile, 0o644, data), llb.WithCustomName("[index] answer"))
	run.AddMount(in, answer, llb.Readonly)
	_, err = m.servers.Engine.Run(m.ctx, run.Root())
	return err
}

// step is a command of the memory. What it reads and writes is nothing that
// BuildKit knows of, so each build has to run it: the build's session makes it
// another step. To ignore the cache would not do, that empties cache mounts.
func (m *Memory) step(command, key, file string) llb.ExecState {
	id := memoID
	if ns := m.servers.Namespace; ns != "" {
		id = ns + "/" + id
	}
	opt := m.servers.Options
	opts := []llb.RunOption{
		llb.Args([]string{memoPath, command, memoFolder, key, file}),
		llb.Dir("/"),
		llb.Network(pb.NetMode_NONE),
		llb.Platform(opt.BuildPlatform),
		llb.AddMount(memoPath, opt.Helper, llb.Readonly, llb.SourcePath(memoPath)),
		llb.AddMount(memoFolder, llb.Scratch(), llb.AsPersistentCacheDir(id, llb.CacheMountShared)),
		llb.AddEnv("BUILD", m.servers.Engine.BuildOpts().SessionID),
		llb.WithCustomNamef("[index] %s answer", command),
	}
	return llb.Scratch().Run(append(opts, opt.Limits...)...)
}
