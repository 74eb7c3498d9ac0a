package imagespec

// status says what becomes of a field that is set.
type status int

const (
	planned status = iota // flytekit's, not built yet: an error
	working               // decoded, checked and used
	unused                // another tool's: a warning
)

// field is one key of a mapping: its name, what becomes of it, and a pointer
// to where its value goes, whose type says what the value must be.
type field struct {
	name   string
	status status
	into   any // *Text, *List, *Map, *Flag, *Options, or one of the types below
}

// The types of fields that can be written in a way of their own.
type (
	imageField struct {
		*Text
		base **Spec
	} // an image reference, or a nested spec
	commaField  struct{ *List } // a list, or its items in one string with commas between
	mountsField struct{ *Map }  // a list of pairs
)

// fields is the table of all keys, in flytekit's order. A field is enabled by
// making it working here and checking it in check.
func (s *Spec) fields() []field {
	return []field{
		{"name", working, &s.Name},
		{"python_version", working, &s.PythonVersion},
		{"builder", working, &s.Builder},
		{"source_root", working, &s.SourceRoot},
		{"env", working, &s.Env},
		{"registry", working, &s.Registry},
		{"packages", working, &s.Packages},
		{"conda_packages", planned, &s.CondaPackages},
		{"conda_channels", planned, &s.CondaChannels},
		{"requirements", working, &s.Requirements},
		{"apt_packages", working, &s.AptPackages},
		{"cuda", working, &s.Cuda},
		{"cudnn", working, &s.Cudnn},
		{"base_image", working, imageField{&s.BaseImage, &s.Base}},
		{"platform", working, commaField{&s.Platform}},
		{"pip_index", working, &s.PipIndex},
		{"pip_extra_index_url", working, &s.PipExtraIndexURL},
		{"pip_secret_mounts", working, mountsField{&s.PipSecretMounts}},
		{"pip_extra_args", working, &s.PipExtraArgs},
		{"registry_config", working, &s.RegistryConfig},
		{"entrypoint", working, &s.Entrypoint},
		{"commands", working, &s.Commands},
		{"tag_format", working, &s.TagFormat},
		{"source_copy_mode", working, &s.SourceCopyMode},
		{"copy", working, &s.Copy},
		{"python_exec", working, &s.PythonExec},
		{"runtime_packages", working, &s.RuntimePackages},
		{"builder_options", working, &s.BuilderOptions},
		{"builder_config", working, &s.BuilderConfig},
	}
}

// fields is the table of the keys under builder_options.
func (o *Options) fields() []field {
	return []field{
		{"extras", working, &o.Extras},
		{"groups", working, &o.Groups},
		{"package", working, &o.Package},
		{"locked", working, &o.Locked},
		{"default_groups", working, &o.DefaultGroups},
		{"install_project", working, &o.InstallProject},
		{"build_apt_packages", working, &o.BuildAptPackages},
		{"flytekit", working, &o.Flytekit},
		{"exclude_newer", working, &o.ExcludeNewer},
		{"url_rewrites", working, &o.URLRewrites},
		{"pip", working, &o.Pip},
		{"user", working, &o.User},
		{"workdir", working, &o.Workdir},
		{"labels", working, &o.Labels},
		{"compile_bytecode", working, &o.CompileBytecode},
		{"imagepull_secret_name", unused, new(Text)}, // read by Union's remote builder
	}
}

// names gives the keys of a table.
func names(fields []field) []string {
	var list []string
	for _, f := range fields {
		list = append(list, f.name)
	}
	return list
}
