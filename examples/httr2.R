# The organisations that you belong to, from R: Rscript examples/httr2.R evo-me
# install.packages("httr2") brings all that it needs.
library(httr2)

given <- function(name, otherwise) {
  value <- Sys.getenv(name)
  if (nzchar(value)) value else otherwise
}

# The daemon writes down where it is; only you can open its socket, so no key is needed.
evo_daemon <- function() {
  home <- given("XDG_STATE_HOME", path.expand("~/.local/state"))
  state <- given("EVO_TOKEN_STATE_DIR", file.path(home, "evo-token"))
  jsonlite::read_json(file.path(state, "endpoint.json"))$socket
}

evo_ask <- function(path) {
  request("http://localhost") |>
    req_url_path(path) |>
    req_options(unix_socket_path = evo_daemon()) |>
    req_error(body = \(response) {
      problem <- resp_body_json(response, check_type = FALSE)
      c(problem$detail, problem$hint)
    })
}

# Ask again whenever a token is needed: it is always a fresh one.
evo_token <- function(app) {
  answer <- evo_ask(paste0("/v1/apps/", app, "/token")) |> req_perform() |> resp_body_json()
  answer$access_token
}

# Tells the daemon that an API refused a token before its time, and gets another one.
evo_rejected <- function(app, token) {
  evo_ask(paste0("/v1/apps/", app, "/refresh")) |>
    req_body_json(list(rejected_sha256 = as.character(openssl::sha256(token)))) |>
    req_perform() |>
    resp_body_json() |>
    getElement("access_token")
}

# A request with a fresh token, and once more where that one was refused.
evo_perform <- function(req, app) {
  perform <- \(token) {
    req |>
      req_auth_bearer_token(token) |>
      req_error(is_error = \(response) FALSE) |>
      req_perform()
  }
  token <- evo_token(app)
  response <- perform(token)
  if (resp_status(response) == 401) response <- perform(evo_rejected(app, token))
  resp_check_status(response)
}

arguments <- commandArgs(trailingOnly = TRUE)
app <- if (length(arguments) > 0) arguments[[1]] else given("EVO_TOKEN_APP", "evo-me")
discovery <- given("EVO_DISCOVERY_URL", "https://discover.api.seequent.com")

found <- request(discovery) |>
  req_url_path_append("evo/identity/v2/discovery") |>
  req_url_query(service = "evo") |>
  evo_perform(app) |>
  resp_body_json()

for (organization in found$discovery$organizations) cat(organization$display_name, "\n", sep = "")
