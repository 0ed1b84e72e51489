//! The forms a manifest is written in, and the one document they all become.

use std::fmt;

use serde_json::{Map, Value};

use super::findings::placeholder;
use super::layer::{Content, DESIRED, Kind};
use crate::domain::ids::ModuleId;
use crate::domain::json::{JsonError, Path, parse_strict};

/// How the manifest was wrapped where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"modulesContent": …}`: files, and the body of `applyConfigurationContent`.
    ModulesContent,
    /// `{"content": {"modulesContent": …}}`: exports.
    Content,
    /// `{"id": …, "content": …, "priority": …}`: the configuration resource.
    Configuration,
}

/// A manifest: what each module's twin should hold, in the order of the file.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    /// How it was wrapped.
    pub form: Form,
    /// Whether the file said `moduleContent`, the spelling from before the first release, which is read as
    /// `modulesContent`.
    pub old_spelling: bool,
    /// Each module's entry, `$edgeAgent` and `$edgeHub` among them.
    pub modules: Vec<(ModuleId, Content)>,
    /// What stood beside the content, as found: `metrics`, and all of a configuration's members.
    pub beside: Map<String, Value>,
    /// Where the entries stood in the document that was read.
    root: Path,
}

/// Why a document is no manifest, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", at.shown())]
pub struct ManifestError {
    /// Where in the document that was read.
    pub at: Path,
    /// What is wrong there.
    pub problem: Problem,
}

/// What keeps a document from being a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is no JSON.
    #[error("not JSON, {0}")]
    NotJson(JsonError),
    /// The text is no JSON, and has placeholders of a template.
    #[error(
        "a template that is not JSON before its ${{…}} are filled in ({0}); expand it first, for example with iotedgedev genconfig"
    )]
    TemplateText(JsonError),
    /// The document says that it is a template.
    #[error("a template, which no hub reads; expand it first, for example with iotedgedev genconfig")]
    Template,
    /// Something else stands where an object is needed.
    #[error("{0} stands where an object is needed")]
    NotAnObject(&'static str),
    /// There is no content of an IoT Edge deployment.
    #[error("no modulesContent, which an IoT Edge deployment needs")]
    NoContent,
    /// The content is that of an automatic device or module configuration.
    #[error("the content of an automatic {0} configuration, not of an IoT Edge deployment")]
    OtherKind(&'static str),
    /// A key of an entry does not set desired properties.
    #[error("the key is neither {DESIRED} nor a path below it, such as {DESIRED}.modules.name")]
    Key,
}

impl ManifestError {
    fn new(at: Path, problem: Problem) -> Self {
        Self { at, problem }
    }
}

impl Manifest {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ManifestError`] with the place.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let document = parse_strict(text).map_err(|error| {
            let problem =
                if placeholder(text).is_some() { Problem::TemplateText(error) } else { Problem::NotJson(error) };
            ManifestError::new(Path::root(), problem)
        })?;
        Self::read(&document)
    }

    /// Unwraps a document: `content` first, then `modulesContent`, then `moduleContent`.
    ///
    /// # Errors
    /// [`ManifestError`] with the place.
    pub fn read(document: &Value) -> Result<Self, ManifestError> {
        let top = object(document, &Path::root())?;
        refuse_template(top, &Path::root())?;
        let (inner, at, form) = match top.get("content").filter(|content| !content.is_null()) {
            Some(content) => {
                let at = Path::root().child("content");
                let inner = object(content, &at)?;
                refuse_template(inner, &at)?;
                let whole = ["id", "priority", "targetCondition"].iter().any(|member| top.contains_key(*member));
                (inner, at, if whole { Form::Configuration } else { Form::Content })
            }
            None => (top, Path::root(), Form::ModulesContent),
        };
        let (name, content) = modules_content(inner, &at)?;
        let root = at.child(name);
        let mut modules = Vec::new();
        for (module, entry) in object(content, &root)? {
            let at = root.child(module);
            let entry = object(entry, &at)?;
            modules.push((ModuleId::from_wire(module.as_str()), read_entry(entry, &at)?));
        }
        let beside = top
            .iter()
            .filter(|(key, _)| {
                !matches!(key.as_str(), "content" | "modulesContent" | "moduleContent" | "deviceContent")
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        Ok(Self { form, old_spelling: name == "moduleContent", modules, beside, root })
    }

    /// A manifest made from the entries themselves, as a configuration read from the hub holds them.
    #[must_use]
    pub fn from_modules(modules: Vec<(ModuleId, Content)>) -> Self {
        let root = Path::root().child("modulesContent");
        Self { form: Form::ModulesContent, old_spelling: false, modules, beside: Map::new(), root }
    }

    /// The entry of one module.
    #[must_use]
    pub fn module(&self, id: &str) -> Option<&Content> {
        self.modules.iter().find(|(module, _)| module.as_str() == id).map(|(_, content)| content)
    }

    /// Whether it is a base or a layer. Nothing without `$edgeAgent`, which the hub refuses
    /// (400 `InvalidConfigurationContent`).
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.module("$edgeAgent").map(Content::kind)
    }

    /// The whole desired section the manifest gives to a module; `None` when it sets none or only paths below.
    #[must_use]
    pub fn desired(&self, module: &str) -> Option<&Value> {
        self.module(module)?.whole()
    }

    /// The body for the hub: `{"modulesContent": …}`, entries and keys in their order.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let modules = self.modules.iter().map(|(id, content)| (id.as_str().to_owned(), content.to_value())).collect();
        Value::Object([("modulesContent".to_owned(), Value::Object(modules))].into_iter().collect())
    }

    /// Where `key` of a module's entry stood in the document that was read.
    #[must_use]
    pub fn place(&self, module: &ModuleId, key: &str) -> Path {
        self.root.child(module.as_str()).child(key)
    }
}

impl fmt::Debug for Manifest {
    /// Names only: values hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.modules.iter().map(|(id, _)| id).collect();
        f.debug_struct("Manifest").field("form", &self.form).field("modules", &names).finish_non_exhaustive()
    }
}

fn object<'a>(value: &'a Value, at: &Path) -> Result<&'a Map<String, Value>, ManifestError> {
    let found = match value {
        Value::Object(map) => return Ok(map),
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    Err(ManifestError::new(at.clone(), Problem::NotAnObject(found)))
}

fn refuse_template(map: &Map<String, Value>, at: &Path) -> Result<(), ManifestError> {
    const MARK: &str = "$schema-template";
    if map.contains_key(MARK) { Err(ManifestError::new(at.child(MARK), Problem::Template)) } else { Ok(()) }
}

/// The one content that is there. Clients write all three members, the unused ones as `{}`.
fn modules_content<'a>(inner: &'a Map<String, Value>, at: &Path) -> Result<(&'static str, &'a Value), ManifestError> {
    let used = |name: &str| {
        inner.get(name).filter(|content| !content.is_null() && content.as_object().is_none_or(|map| !map.is_empty()))
    };
    if let Some(content) = used("modulesContent") {
        return Ok(("modulesContent", content));
    }
    if let Some(content) = used("moduleContent") {
        // Today's meaning of the word: paths, not modules.
        let paths = content.as_object().is_some_and(|map| map.keys().all(|key| key.starts_with(DESIRED)));
        if paths {
            return Err(ManifestError::new(at.child("moduleContent"), Problem::OtherKind("module")));
        }
        return Ok(("moduleContent", content));
    }
    if used("deviceContent").is_some() {
        return Err(ManifestError::new(at.child("deviceContent"), Problem::OtherKind("device")));
    }
    Err(ManifestError::new(at.clone(), Problem::NoContent))
}

fn read_entry(entry: &Map<String, Value>, at: &Path) -> Result<Content, ManifestError> {
    let content = Content::read(entry).map_err(|key| ManifestError::new(at.child(&key), Problem::Key))?;
    if let Some(whole) = content.whole() {
        object(whole, &at.child(DESIRED))?;
    }
    Ok(content)
}
