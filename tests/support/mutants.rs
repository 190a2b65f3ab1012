//! Single changes of emitted objects, as texts.

/// Every mutant of some files: what was changed, and the files with the change.
pub fn mutants(files: &[(String, String)]) -> Vec<(String, Vec<(String, String)>)> {
    let mut all = Vec::new();
    for (place, (path, text)) in files.iter().enumerate() {
        let mut with = |what: String, changed: String| {
            let mut copy = files.to_vec();
            copy[place].1 = changed;
            all.push((format!("{path}: {what}"), copy));
        };
        let documents: Vec<&str> = text.split("---\n").collect();
        for dropped in 0..documents.len() {
            let rest: Vec<&str> =
                documents.iter().enumerate().filter(|(i, _)| *i != dropped).map(|(_, d)| *d).collect();
            with(format!("object {dropped} dropped"), rest.join("---\n"));
        }
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            for changed in variants(line) {
                let mut copy: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                with(format!("line {}: `{}` -> `{}`", number + 1, line.trim(), changed.trim()), {
                    copy[number] = changed;
                    copy.join("\n") + "\n"
                });
            }
        }
    }
    all
}

/// Changed forms of a line that mean something else; none for lines that mean nothing to an enforcer.
fn variants(line: &str) -> Vec<String> {
    let trimmed = line.trim_start().trim_start_matches("- ");
    let Some((key, value)) = trimmed.rsplit_once(": ") else { return Vec::new() };
    let replaced = |new: &str| {
        let at = line.rfind(value).unwrap_or(line.len());
        format!("{}{new}", &line[..at])
    };
    let quoted = value.trim_matches('"');
    match key {
        "port" | "endPort" => {
            let Ok(port) = quoted.parse::<u32>() else { return Vec::new() };
            let quote = if value.starts_with('"') { "\"" } else { "" };
            let mut all = vec![port + 1];
            if port > 1 {
                all.push(port - 1);
            }
            all.into_iter().filter(|new| *new < 65536).map(|new| replaced(&format!("{quote}{new}{quote}"))).collect()
        }
        "protocol" => vec![replaced(if value == "TCP" { "UDP" } else { "TCP" })],
        "namespace" => vec![replaced("elsewhere")],
        "kubernetes.io/metadata.name"
        | "\"k8s:io.kubernetes.pod.namespace\""
        | "app"
        | "\"k8s:app\""
        | "k8s-app"
        | "\"k8s:k8s-app\"" => {
            vec![replaced("elsewhere")]
        }
        "cidr" => vec![replaced("\"192.0.2.250/32\"")],
        _ => Vec::new(),
    }
}
