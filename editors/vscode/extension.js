// Starts `zonec lsp` for YAML files. Files that belong to no site get no answer, so other YAML is left alone.
const { workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const settings = workspace.getConfiguration("zonec");
  const run = {
    command: settings.get("command"),
    args: ["lsp", ...settings.get("arguments")],
    transport: TransportKind.stdio,
  };
  const documents = { documentSelector: [{ scheme: "file", language: "yaml" }] };
  client = new LanguageClient("zonec", "zonec", run, documents);
  return client.start();
};

exports.deactivate = () => client?.stop();
