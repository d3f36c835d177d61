-- What the filter does to a page, as a person would write it for Envoy's Lua
-- filter: a policy with a fresh nonce, and the nonce on every tag that looks as
-- if it needed one.
local random = io.open("/dev/urandom", "rb")

function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get("sec-fetch-dest") == "document" then
    headers:replace("accept-encoding", "identity")
    headers:remove("if-none-match")
    headers:remove("if-modified-since")
  end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local kind = headers:get("content-type")
  if not kind or not kind:find("text/html", 1, true) then
    return
  end
  local nonce = handle:base64Escape(random:read(18))
  headers:add("content-security-policy-report-only",
    "default-src 'self'; script-src 'self' 'nonce-" .. nonce .. "'; style-src 'self' 'nonce-" .. nonce ..
    "'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; report-uri /csp/report")
  headers:replace("cache-control", "private")
  headers:remove("etag")
  headers:remove("last-modified")

  local body = handle:body()
  local text = body:getBytes(0, body:length())
  local attribute = ' nonce="' .. nonce .. '"'
  text = text:gsub("<script", "<script" .. attribute)
  text = text:gsub("<style", "<style" .. attribute)
  text = text:gsub("<link", "<link" .. attribute)
  headers:replace("content-length", body:setBytes(text))
end
