package imagespec

// doc is what a key means to its user. A new field needs one here.
type doc struct {
	text     string
	unset    any   // what an unset key means, where that is a value; nil else
	examples []any // as JSON
	values   []any // all that the value can be; nil where it can be anything
}

// docs documents all keys, those of builder_options with that before their
// names.
func docs() map[string]doc {
	all := imageDocs()
	for name, d := range packageDocs() {
		all[name] = d
	}
	for name, d := range optionDocs() {
		all["builder_options."+name] = d
	}
	return all
}

// texts makes examples and values of strings.
func texts(s ...string) []any {
	var all []any
	for _, text := range s {
		all = append(all, text)
	}
	return all
}

// one makes an example that is a list.
func one(s ...string) []any { return []any{texts(s...)} }

// imageDocs are the fields about the image itself.
func imageDocs() map[string]doc {
	return map[string]doc{
		"name": {
			text: "The image's name, to which flytekit adds the registry before and the tag behind.", unset: "flytekit",
			examples: texts("training", "team/training"),
		},
		"python_version": {
			text:     "The image's Python: 3.12, 3.12.4, 3.15.0rc1, or 3.13t for the free-threaded build. Without base_image it picks the base; with one it has to be the base's. It needs no quotes.",
			examples: texts("3.12", "3.12.4", "3.13t"),
		},
		"builder": {
			text:     "Which of flytekit's builders makes the image. This frontend is the builder where the file is given to BuildKit.",
			examples: texts("default", "envd", "noop"),
		},
		"source_root": {
			text:     "The folder whose files go to the working directory, relative to the build context.",
			examples: texts("src", "."),
		},
		"env": {
			text:     "The image's environment variables. Any text; it arrives exactly as written.",
			examples: []any{map[string]any{"GREETING": "hello, $USER", "LOG_LEVEL": "info"}},
		},
		"registry": {
			text:     "The registry and path that the image's name begins with, where flytekit pushes.",
			examples: texts("ghcr.io/acme", "localhost:30000", "docker.io/acme"),
		},
		"base_image": {
			text:     "The image that is built on: a reference, the name of a build context, or a spec of its own.",
			examples: []any{"python:3.12-slim-bookworm", map[string]any{"apt_packages": texts("git")}},
		},
		"cuda":  {text: "The CUDA version. Without base_image it picks the nvidia/cuda image that is built on.", examples: texts("12.4", "12.4.1")},
		"cudnn": {text: "The cuDNN version, with cuda.", examples: texts("9", "8")},
		"platform": {
			text:   "The target platform; several as a list or with commas between. The client's --platform wins.",
			values: texts(knownPlatforms()...), examples: []any{"linux/amd64", texts("linux/amd64", "linux/arm64"), "linux/amd64,linux/arm64"},
		},
		"registry_config": {
			text:     "A JSON file with credentials of registries, for flytekit's envd builder. BuildKit uses those of the client.",
			examples: texts("~/.docker/config.json"),
		},
		"entrypoint": {
			text:     "The image's entrypoint in exec form; [] clears the base's. With a new one the base's command is dropped.",
			examples: []any{texts("python", "-m", "hello"), []any{}},
		},
		"commands": {
			text:     "Shell commands that run as root after everything else, each as a step of its own, in this order.",
			examples: one("mkdir -p /opt/models", "ldconfig"),
		},
		"tag_format": {
			text:     "The tag of the image's name, with {spec_hash} where flytekit's hash goes, in Python's format syntax.",
			examples: texts("{spec_hash}-dev", "v1-{spec_hash:.8}"),
		},
		"source_copy_mode": {
			text:     "Which files of source_root are copied: ALL that no ignore file names, LOADED_MODULES (which only a Python process knows), or none with NO_COPY. flytekit's numbers mean the same.",
			values:   append(texts("ALL", "LOADED_MODULES", "NO_COPY", "all", "loaded_modules", "no_copy", "auto", "none", "1", "2", "3"), 1, 2, 3),
			examples: texts("ALL", "NO_COPY"),
		},
		"copy": {
			text:     "Files and folders of the build context that go to the same place below the working directory.",
			examples: one("data/labels.csv", "configs"),
		},
		"builder_options": {
			text:     "What this frontend knows beyond flytekit's fields. flytekit leaves it alone.",
			examples: []any{map[string]any{"extras": texts("serve"), "locked": true}},
		},
		"builder_config": {
			text:     "Images from which flytekit's default builder takes its tools. This frontend needs none.",
			examples: []any{map[string]any{"uv_image": "ghcr.io/astral-sh/uv:0.5.1", "micromamba_image": "mambaorg/micromamba:2.0.3-debian12-slim"}},
		},
	}
}

// packageDocs are the fields about what is installed.
func packageDocs() map[string]doc {
	return map[string]doc{
		"packages": {
			text:     "Python packages to install, as requirements of PEP 508, folders and archives of the build context, or repositories.",
			examples: one("pandas[performance]>=2,<3", "./libs/features", "git+https://github.com/org/tool@v1.2"),
		},
		"conda_packages": {text: "Conda packages to install, as match specs.", examples: one("pytorch=2.4", "cudatoolkit")},
		"conda_channels": {text: "Conda channels beside conda-forge.", examples: one("nvidia", "bioconda")},
		"requirements": {
			text:     "The lock or requirements file to install, relative to the build context. A pyproject.toml stands for the lock beside it.",
			examples: texts("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt", "pyproject.toml"),
		},
		"apt_packages": {text: "Debian packages to install, without what they recommend; name=version pins one.", examples: one("git", "libgomp1=12.2.0-14")},
		"pip_index": {
			text: "The index to ask in place of PyPI, without credentials.", unset: "https://pypi.org/simple",
			examples: texts("https://pypi.example/simple"),
		},
		"pip_extra_index_url": {text: "Further indexes, without credentials.", examples: one("https://download.pytorch.org/whl/cu124")},
		"pip_secret_mounts": {
			text:     "Pairs of the client's secret file and the path where it is mounted in steps that talk to an index. The n-th is the secret secret_n of the build, counted from 0.",
			examples: []any{[]any{texts("~/.netrc", "/root/.netrc")}},
		},
		"pip_extra_args": {text: "Options of the installer, separated by spaces.", examples: texts("--extra gpu --group ml", "--no-deps", "--pre")},
		"python_exec":    {text: "The base's interpreter, whose installed packages stay visible in the environment.", examples: texts("/usr/bin/python3")},
		"runtime_packages": {
			text:     "Python packages that flytekit installs when the container starts.",
			examples: one("pandas", "numpy==2.1.0"),
		},
	}
}

// optionDocs are the keys of builder_options.
func optionDocs() map[string]doc {
	return map[string]doc{
		"extras":           {text: "Optional dependencies of the project to install.", examples: one("serve", "gpu")},
		"groups":           {text: "Dependency groups of the project to install.", examples: one("training")},
		"default_groups":   {text: "Install the groups that the project's tool installs by itself, such as dev.", unset: false, examples: []any{true}},
		"install_project":  {text: "Install the project itself, not only what it depends on.", unset: false, examples: []any{true}},
		"package":          {text: "The member of the workspace to install for.", examples: texts("api")},
		"locked":           {text: "Refuse a lock that does not fit its project; otherwise that is a warning.", unset: false, examples: []any{true}},
		"compile_bytecode": {text: "Compile the installed packages to bytecode, so that the first import is fast.", unset: true, examples: []any{false}},
		"pip":              {text: "Have pip in the environment, so that a container can install packages.", unset: true, examples: []any{false}},
		"flytekit": {
			text:     "Which flytekit is added to what is resolved, unless it is named there: a version, true for the newest, or false for none.",
			examples: []any{"1.16.24", true, false},
		},
		"exclude_newer":      {text: "Resolve as if nothing newer than this date had been published (RFC 3339).", examples: texts("2025-06-01", "2025-06-01T12:00:00Z")},
		"build_apt_packages": {text: "Debian packages that are there while packages are built from source, beside build-essential and git, and not in the image. An empty list is for none at all.", examples: one("gcc", "libpq-dev")},
		"url_rewrites": {
			text:     "Where to fetch files, pages of indexes and commits from: beginnings of URLs, and what takes their place.",
			examples: []any{map[string]any{"https://files.pythonhosted.org/": "https://mirror.example/pypi/"}},
		},
		"user":                  {text: "The image's user: a name, or uid or uid:gid.", unset: "flytekit", examples: texts("flytekit", "root", "1000:1000")},
		"workdir":               {text: "The working directory, where sources go.", unset: "/root", examples: texts("/root", "/app")},
		"labels":                {text: "Labels of the image's configuration.", examples: []any{map[string]any{"org.opencontainers.image.source": "https://github.com/acme/training"}}},
		"imagepull_secret_name": {text: "The secret with which Union's remote builder pulls the base image.", examples: texts("registry-login")},
	}
}
