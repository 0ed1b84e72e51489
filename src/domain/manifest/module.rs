//! One module as edgeAgent wants to run it, and what a change of it means for its container.

use super::create_options::{CreateOptions, join};
use super::env::Env;
use super::image::Image;
use super::reader::{Node, Unreadable};

/// Whether a module should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesiredStatus {
    /// It should.
    Running,
    /// It should exist, but not run.
    Stopped,
}

impl DesiredStatus {
    /// The word in twins.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// When edgeAgent starts a module again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Not at all.
    Never,
    /// After an exit with another code than 0.
    OnFailure,
    /// The same as [`RestartPolicy::OnFailure`], since nothing is ever unhealthy; the default of modules.
    OnUnhealthy,
    /// After every exit; the default of edgeHub.
    Always,
}

impl RestartPolicy {
    const WORDS: [(&'static str, Self); 4] = [
        ("never", Self::Never),
        ("on-failure", Self::OnFailure),
        ("on-unhealthy", Self::OnUnhealthy),
        ("always", Self::Always),
    ];

    /// The word in twins.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::OnFailure => "on-failure",
            Self::OnUnhealthy => "on-unhealthy",
            Self::Always => "always",
        }
    }
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImagePullPolicy {
    /// Before each creation of the container.
    #[default]
    OnCreate,
    /// Never; it has to be there.
    Never,
}

impl ImagePullPolicy {
    /// The word in twins.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OnCreate => "on-create",
            Self::Never => "never",
        }
    }
}

/// One module of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleSpec {
    /// The module's id; `edgeAgent` and `edgeHub` without the `$`, as containers are named.
    pub name: String,
    /// Free text; only part of the comparison.
    pub version: String,
    /// Whether it should run; edgeAgent always should.
    pub status: DesiredStatus,
    /// When it is started again.
    pub restart_policy: RestartPolicy,
    /// When its image is pulled.
    pub image_pull_policy: ImagePullPolicy,
    /// Lower starts earlier; `u32::MAX` when none is given, 0 for edgeAgent.
    pub startup_order: u32,
    /// Its environment.
    pub env: Env,
    /// Its image, with a tag.
    pub image: Image,
    /// Its container's options.
    pub create_options: CreateOptions,
    /// `settings.digest`, for content trust.
    pub digest: Option<String>,
    /// `configuration.id`: the deployment that set the module, when the hub says so.
    pub configuration: Option<String>,
}

/// A part of a module that edgeAgent compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `version`
    Version,
    /// `status`
    Status,
    /// `settings.image`
    Image,
    /// `settings.createOptions`
    CreateOptions,
    /// `settings.digest`
    Digest,
    /// `restartPolicy`
    RestartPolicy,
    /// `imagePullPolicy`
    ImagePullPolicy,
    /// `startupOrder`
    StartupOrder,
    /// `env`
    Env,
}

impl Field {
    /// The member's name in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Status => "status",
            Self::Image => "image",
            Self::CreateOptions => "createOptions",
            Self::Digest => "digest",
            Self::RestartPolicy => "restartPolicy",
            Self::ImagePullPolicy => "imagePullPolicy",
            Self::StartupOrder => "startupOrder",
            Self::Env => "env",
        }
    }
}

/// What edgeAgent does about a module that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing differs.
    None,
    /// Only the status: the container is started or stopped, not recreated.
    Status(DesiredStatus),
    /// The container is stopped and recreated, for these parts.
    Recreate(Vec<Field>),
}

/// Which of the three kinds of module is read; they differ in what must be there and in the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Agent,
    Hub,
    Custom,
}

impl ModuleSpec {
    pub(super) fn read(name: &str, node: &Node<'_>, role: Role) -> Result<Self, Unreadable> {
        let kind = node.required("type")?;
        // The runtime finds the reader in any case, but its constructor compares exactly.
        if kind.text()? != "docker" {
            return kind.fault("is not docker, the only type edgeAgent runs");
        }
        let status = match role {
            Role::Agent => DesiredStatus::Running,
            Role::Hub | Role::Custom => node
                .required("status")?
                .word(&[("running", DesiredStatus::Running), ("stopped", DesiredStatus::Stopped)])?,
        };
        let restart_policy = match (role, node.optional("restartPolicy")?) {
            (Role::Agent, _) | (Role::Hub, None) => RestartPolicy::Always,
            (Role::Custom, None) => RestartPolicy::OnUnhealthy,
            (Role::Hub | Role::Custom, Some(policy)) => policy.word(&RestartPolicy::WORDS)?,
        };
        let image_pull_policy = match node.optional("imagePullPolicy")? {
            Some(policy) => {
                policy.word(&[("on-create", ImagePullPolicy::OnCreate), ("never", ImagePullPolicy::Never)])?
            }
            None => ImagePullPolicy::OnCreate,
        };
        let startup_order = match (role, node.optional("startupOrder")?) {
            (Role::Agent, _) => 0,
            (_, None) => u32::MAX,
            (_, Some(order)) => match order.whole().and_then(|n| u32::try_from(n).ok()) {
                Some(n) => n,
                None => return order.fault(format!("is no whole number from 0 to {}", u32::MAX)),
            },
        };
        let text = |member: Option<Node<'_>>| member.map(|member| member.text()).transpose();
        let settings = node.required("settings")?;
        let image = settings.required("image")?;
        let image = Image::parse(&image.text()?).or_else(|error| image.fault(error.to_string()))?;
        let options = Node { value: settings.value, at: settings.at.child("createOptions") };
        let create_options = join(settings.object()?)
            .and_then(|text| CreateOptions::parse(&text))
            .or_else(|error| options.fault(error.to_string()))?;
        let env = match node.optional("env")? {
            Some(env) => Env::read(&env)?,
            None => Env::default(),
        };
        let configuration = match node.optional("configuration")? {
            Some(configuration) => text(configuration.optional("id")?)?,
            None => None,
        };
        Ok(Self {
            name: name.to_owned(),
            version: text(node.optional("version")?)?.unwrap_or_default(),
            status,
            restart_policy,
            image_pull_policy,
            startup_order,
            env,
            image,
            create_options,
            digest: text(settings.optional("digest")?)?,
            configuration: configuration.filter(|id| !id.is_empty()),
        })
    }

    /// The parts in which `wanted` differs from `self`. Of edgeAgent itself only image, options and environment
    /// count; it replaces itself for those alone.
    #[must_use]
    pub fn differences(&self, wanted: &Self) -> Vec<Field> {
        let agent = self.name == "edgeAgent";
        [
            (Field::Version, !agent && self.version != wanted.version),
            (Field::Status, self.status != wanted.status),
            (Field::Image, self.image != wanted.image),
            (Field::CreateOptions, self.create_options != wanted.create_options),
            (Field::Digest, !agent && self.digest != wanted.digest),
            (Field::RestartPolicy, self.restart_policy != wanted.restart_policy),
            (Field::ImagePullPolicy, !agent && self.image_pull_policy != wanted.image_pull_policy),
            (Field::StartupOrder, self.startup_order != wanted.startup_order),
            (Field::Env, self.env != wanted.env),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }

    /// What edgeAgent does to get from `self` to `wanted`.
    #[must_use]
    pub fn change_to(&self, wanted: &Self) -> Change {
        match self.differences(wanted).as_slice() {
            [] => Change::None,
            [Field::Status] => Change::Status(wanted.status),
            fields => Change::Recreate(fields.to_vec()),
        }
    }
}
