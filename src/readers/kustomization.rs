//! `kustomization.yaml` of a folder, after the documentation of kustomize: which files are deployed.

use super::cluster::object::{Field, Read};
use crate::syntax::tree::Node;

/// The files that are deployed, as they are.
///
/// # Errors
/// When the kustomization would change objects on the way, or says something that this reader does not know.
pub fn resources(document: &Node<'_>) -> Read<Vec<String>> {
    let mut fields = Field::root(document).map()?;
    let (api, kind) = (fields.need("apiVersion")?, fields.need("kind")?);
    if api.text()? != "kustomize.config.k8s.io/v1beta1" || kind.text()? != "Kustomization" {
        return Err(kind.fault("is no Kustomization of kustomize.config.k8s.io/v1beta1"));
    }
    fields.take("metadata");
    let resources = fields.need("resources")?.list()?;
    for item in fields.take("labels").map(|field| field.list()).transpose()?.unwrap_or_default() {
        let mut label = item.map()?;
        label.take("pairs");
        if let Some(rewrites) = label.take("includeSelectors")
            && rewrites.flag()?
        {
            return Err(rewrites.fault("rewrites the selectors of policies"));
        }
        label.take("includeTemplates");
        label.finish()?;
    }
    fields.finish()?;
    resources.iter().map(Field::text).collect()
}
