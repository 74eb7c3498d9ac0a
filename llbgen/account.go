package llbgen

import "github.com/moby/buildkit/client/llb"

// Paths inside the step that makes the account.
const (
	accountPath = "/bin/imagespec-account"
	baseDir     = "/base"
)

// account gives the layer with the user and the authorities. It reads the files
// of the base and runs none of them, so it runs on the build's own platform.
// Where nothing is to change the layer is empty.
func (g generator) account(base llb.State) llb.State {
	a := g.plan.Account
	command := []string{accountPath, "--base", baseDir, "--root", outDir}
	if a.User != "" {
		command = append(command, "--user", a.User)
	}
	for _, dir := range a.Own {
		command = append(command, "--own", dir)
	}
	if a.Path != "" {
		command = append(command, "--path", a.Path)
	}
	return g.step(llb.Scratch(), command,
		llb.WithCustomNamef("[%suser] make %s and certificates", g.StepPrefix, g.plan.Config.User),
		g.Locate(g.plan.Base.At),
		llb.AddMount(accountPath, g.Helper, llb.Readonly, llb.SourcePath(accountPath)),
		llb.AddMount(baseDir, base, llb.Readonly),
	)
}
