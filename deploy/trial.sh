# The command of the image's target `trial`: the service with the sandbox, and an API key made for this run.
set -eu

if [ -z "${API_KEYS:-}" ]; then
  new_key=$(otp keys:new trial)
  API_KEYS=$(echo "$new_key" | sed -n 's/^Entry, for API_KEYS: *//p')
  export API_KEYS
  echo "$new_key" | sed -n 's/^Key, for the client: */OTP_API_KEY=/p'
fi

exec node --enable-source-maps dist/main.js
