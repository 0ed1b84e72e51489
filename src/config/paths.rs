//! Where files are: configuration, state, cache, runtime (console-ux C-13). Resolving makes nothing; folders come
//! into being when something is saved.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::secret::Secret;

/// The program's name in folder names.
const NAME: &str = "edgedeck";

/// The process's environment as a value, read once by the composition root.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
    /// The effective uid.
    pub euid: u32,
}

/// Names only: a value may be a connection string.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("names", &self.vars.keys()).field("euid", &self.euid).finish()
    }
}

impl Env {
    /// An environment of these variables, for a process of this effective uid.
    #[must_use]
    pub fn new<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>, euid: u32) -> Self {
        Self { vars: vars.into_iter().map(|(key, value)| (key.into(), value.into())).collect(), euid }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The same as text; a value that is not UTF-8 has its odd bytes replaced.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// Takes a variable that holds a secret out of this environment: `EDGEDECK_CONNECTION_STRING`.
    #[must_use]
    pub fn take_secret(&mut self, name: &str) -> Option<Secret> {
        let value = self.vars.remove(OsStr::new(name))?;
        value.into_string().ok().filter(|text| !text.is_empty()).map(Secret::new)
    }

    /// An absolute path; relative ones are ignored, as the XDG specification asks.
    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// What the platform would choose, which differs between Linux and macOS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Home folder.
    pub home: PathBuf,
    /// Folder for configuration, with the program's name.
    pub config: PathBuf,
    /// Folder for state, with the program's name.
    pub state: PathBuf,
    /// Folder for what can be made again, with the program's name.
    pub cache: PathBuf,
    /// Folder that lives as long as the session, with the program's name.
    pub runtime: Option<PathBuf>,
}

impl Platform {
    /// Asks the operating system; `None` when it knows no home for this user. The composition root calls it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let base = directories::BaseDirs::new()?;
        let project = directories::ProjectDirs::from("", "", NAME)?;
        Some(Self {
            home: base.home_dir().to_owned(),
            config: project.config_dir().to_owned(),
            // Only Linux has a folder for state; elsewhere it lives beside local data.
            state: project.state_dir().map_or_else(|| project.data_local_dir().join("state"), Path::to_owned),
            cache: project.cache_dir().to_owned(),
            runtime: project.runtime_dir().map(Path::to_owned),
        })
    }

    fn under(home: PathBuf) -> Self {
        Self {
            config: home.join(".config").join(NAME),
            state: home.join(".local/state").join(NAME),
            cache: home.join(".cache").join(NAME),
            runtime: None,
            home,
        }
    }
}

/// The folders of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`, `contexts.toml`, `keymaps/`, `themes/`, stored connection strings.
    pub config: PathBuf,
    /// Log, audit, drafts, view state, history.
    pub state: PathBuf,
    /// What can be fetched again.
    pub cache: PathBuf,
    /// Files for the external editor and locks: memory-backed when the system offers it, else under `state`.
    pub runtime: PathBuf,
    /// The configuration of the machine, written by its administrator.
    pub system_config: PathBuf,
    /// What the operator should know about the choice.
    pub notices: Vec<String>,
}

/// No folder can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this user has no home folder; set EDGEDECK_CONFIG_DIR and EDGEDECK_STATE_DIR to absolute paths")]
pub struct NoHome;

impl Paths {
    /// Chooses the folders: `EDGEDECK_CONFIG_DIR` and `EDGEDECK_STATE_DIR`, then XDG variables, then the platform's.
    ///
    /// # Errors
    /// [`NoHome`] when neither the environment nor the platform knows a place.
    pub fn resolve(env: &Env, platform: Option<Platform>) -> Result<Self, NoHome> {
        let mut notices = Vec::new();
        for name in ["EDGEDECK_CONFIG_DIR", "EDGEDECK_STATE_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]
        {
            if env.get(name).is_some_and(|value| !Path::new(value).is_absolute()) {
                notices.push(format!("{name} is not an absolute path; ignored"));
            }
        }
        // Root under sudo with the user's HOME would leave root's files in that home (console-ux X-50).
        let borrowed = platform.as_ref().filter(|platform| {
            env.euid == 0 && env.get("SUDO_UID").is_some() && owner(&platform.home).is_some_and(|owner| owner != 0)
        });
        let in_home = |name: &str| if borrowed.is_some() { None } else { env.folder(name).map(|path| path.join(NAME)) };
        let runtime = in_home("XDG_RUNTIME_DIR");
        let (config, state) = (in_home("XDG_CONFIG_HOME"), in_home("XDG_STATE_HOME"));
        let cache = in_home("XDG_CACHE_HOME");
        let platform = match borrowed {
            Some(borrowed) => {
                let root =
                    Platform::under(PathBuf::from(if cfg!(target_os = "macos") { "/var/root" } else { "/root" }));
                notices.push(format!(
                    "running as root under sudo: using root's own folders in {}, not those in {}",
                    root.home.display(),
                    borrowed.home.display()
                ));
                Some(root)
            }
            None => platform,
        };
        let pick = |own: Option<PathBuf>, xdg: Option<PathBuf>, of: fn(&Platform) -> &PathBuf| {
            own.or(xdg).or_else(|| platform.as_ref().map(|platform| of(platform).clone())).ok_or(NoHome)
        };
        let config = pick(env.folder("EDGEDECK_CONFIG_DIR"), config, |platform| &platform.config)?;
        let state = pick(env.folder("EDGEDECK_STATE_DIR"), state, |platform| &platform.state)?;
        let cache = pick(None, cache, |platform| &platform.cache).unwrap_or_else(|NoHome| state.join("cache"));
        let runtime = runtime
            .or_else(|| platform.as_ref().and_then(|platform| platform.runtime.clone()))
            .unwrap_or_else(|| state.join("run"));
        Ok(Self { config, state, cache, runtime, system_config: PathBuf::from("/etc/edgedeck"), notices })
    }

    /// The user's settings.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's contexts.
    #[must_use]
    pub fn contexts_file(&self) -> PathBuf {
        self.config.join("contexts.toml")
    }

    /// The machine's settings.
    #[must_use]
    pub fn system_config_file(&self) -> PathBuf {
        self.system_config.join("config.toml")
    }

    /// The folder of the audit record.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.state.join("audit")
    }
}

fn owner(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|meta| meta.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform() -> Option<Platform> {
        Some(Platform::under(PathBuf::from("/home/ana")))
    }

    fn resolve(vars: &[(&str, &str)]) -> Paths {
        Paths::resolve(&Env::new(vars.iter().copied(), 1004), platform()).unwrap()
    }

    #[test]
    fn own_variables_win_over_xdg_and_xdg_over_the_platform() {
        let plain = resolve(&[]);
        assert_eq!(plain.config_file(), Path::new("/home/ana/.config/edgedeck/config.toml"));
        assert_eq!(plain.audit(), Path::new("/home/ana/.local/state/edgedeck/audit"));
        assert_eq!(plain.runtime, Path::new("/home/ana/.local/state/edgedeck/run"));
        let xdg = resolve(&[("XDG_CONFIG_HOME", "/x/c"), ("XDG_STATE_HOME", "/x/s"), ("XDG_RUNTIME_DIR", "/run/1004")]);
        assert_eq!(xdg.config, Path::new("/x/c/edgedeck"));
        assert_eq!(xdg.state, Path::new("/x/s/edgedeck"));
        assert_eq!(xdg.runtime, Path::new("/run/1004/edgedeck"));
        let own =
            resolve(&[("XDG_CONFIG_HOME", "/x/c"), ("EDGEDECK_CONFIG_DIR", "/e/c"), ("EDGEDECK_STATE_DIR", "/e/s")]);
        assert_eq!((own.config.as_path(), own.state.as_path()), (Path::new("/e/c"), Path::new("/e/s")));
        assert_eq!(own.notices, Vec::<String>::new());
    }

    #[test]
    fn relative_folders_are_ignored_and_said_so() {
        let paths = resolve(&[("EDGEDECK_STATE_DIR", "here"), ("XDG_CONFIG_HOME", "there")]);
        assert_eq!((paths.state, paths.config), (resolve(&[]).state, resolve(&[]).config));
        assert_eq!(paths.notices.len(), 2);
    }

    #[test]
    fn an_environment_gives_its_secrets_away_once_and_never_prints_them() {
        let mut env = Env::new([("EDGEDECK_CONNECTION_STRING", "hunter2")], 0);
        assert!(!format!("{env:?}").contains("hunter2"));
        assert_eq!(env.take_secret("EDGEDECK_CONNECTION_STRING").unwrap().expose(), "hunter2");
        assert!(env.take_secret("EDGEDECK_CONNECTION_STRING").is_none());
    }

    #[test]
    fn without_a_home_the_own_variables_suffice() {
        assert_eq!(Paths::resolve(&Env::default(), None), Err(NoHome));
        let env = Env::new([("EDGEDECK_CONFIG_DIR", "/c"), ("EDGEDECK_STATE_DIR", "/s")], 1);
        let paths = Paths::resolve(&env, None).unwrap();
        assert_eq!((paths.cache.as_path(), paths.runtime.as_path()), (Path::new("/s/cache"), Path::new("/s/run")));
    }

    #[test]
    fn root_under_sudo_keeps_out_of_the_users_home() {
        let temp = tempfile::tempdir().unwrap();
        let env = Env::new([("SUDO_UID", "1004"), ("XDG_CONFIG_HOME", "/home/ana/.config")], 0);
        let paths = Paths::resolve(&env, Some(Platform::under(temp.path().to_owned()))).unwrap();
        if owner(temp.path()) == Some(0) {
            assert_eq!(paths.config, Path::new("/home/ana/.config/edgedeck"));
        } else {
            assert_eq!(paths.config, Path::new("/root/.config/edgedeck"));
            assert_eq!(paths.notices.len(), 1);
        }
    }
}
