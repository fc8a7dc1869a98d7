"""Documented requests of both venues that move money out of reach, or the means to: none is ever signed."""

KUCOIN: tuple[tuple[str, str, str], ...] = (
    # withdrawals and deposits
    ("POST", "/api/v3/withdrawals", '{"currency":"USDT","toAddress":"TX","amount":"1","withdrawType":"ADDRESS"}'),
    ("POST", "/api/v1/withdrawals", '{"currency":"USDT","address":"TX","amount":"1"}'),
    ("DELETE", "/api/v1/withdrawals/5bffb63303aa675e8bbe18f9", ""),
    ("GET", "/api/v1/withdrawals", ""),
    ("GET", "/api/v1/withdrawals/quotas?currency=USDT", ""),
    ("GET", "/api/v1/hist-withdrawals", ""),
    ("POST", "/api/v3/deposit-address/create", '{"currency":"USDT"}'),
    ("POST", "/api/v1/deposit-addresses", '{"currency":"USDT"}'),
    ("GET", "/api/v3/deposit-addresses?currency=USDT", ""),
    ("GET", "/api/v1/deposits", ""),
    # transfers
    ("POST", "/api/v3/accounts/universal-transfer", '{"currency":"USDT","amount":"1","type":"INTERNAL"}'),
    ("POST", "/api/v2/accounts/inner-transfer", '{"currency":"USDT","from":"main","to":"trade","amount":"1"}'),
    ("POST", "/api/v2/accounts/sub-transfer", '{"currency":"USDT","amount":"1","direction":"OUT","subUserId":"1"}'),
    ("GET", "/api/v1/accounts/transferable?currency=USDT&type=MAIN", ""),
    ("POST", "/api/v1/transfer-in", '{"currency":"USDT","amount":1,"payAccountType":"MAIN"}'),
    ("POST", "/api/v1/transfer-out", '{"currency":"USDT","amount":1,"recAccountType":"MAIN"}'),
    ("POST", "/api/v3/transfer-out", '{"currency":"USDT","amount":1,"recAccountType":"MAIN"}'),
    ("DELETE", "/api/v1/cancel/transfer-out?applyId=1", ""),
    ("POST", "/api/ua/v1/account/transfer", '{"currency":"USDT","amount":"1"}'),
    ("POST", "/api/v1/margin/withdrawMargin", '{"symbol":"XBTUSDTM","withdrawAmount":"1"}'),
    # sub-accounts and API keys
    ("POST", "/api/v2/sub/user/created", '{"password":"1234567","subName":"a","access":"Spot"}'),
    ("POST", "/api/v1/sub/api-key", '{"subName":"a","passphrase":"11111111","remark":"r","permission":"General"}'),
    ("POST", "/api/v1/sub/api-key/update", '{"subName":"a","apiKey":"k","passphrase":"11111111","permission":"Trade"}'),
    ("DELETE", "/api/v1/sub/api-key?apiKey=k&subName=a&passphrase=11111111", ""),
    ("GET", "/api/v1/sub/api-key?apiKey=k&subName=a", ""),
    ("GET", "/api/v2/sub-accounts", ""),
    ("POST", "/api/v1/broker/nd/account", '{"accountName":"a"}'),
    ("POST", "/api/v1/broker/nd/account/apikey", '{"uid":"1","passphrase":"11111111","permissions":["spot"]}'),
    ("POST", "/api/v1/broker/nd/transfer", '{"currency":"USDT","amount":"1","direction":"OUT"}'),
    # lending, convert, earn, margin, futures
    ("POST", "/api/v3/margin/borrow", '{"currency":"USDT","size":"1"}'),
    ("POST", "/api/v3/margin/repay", '{"currency":"USDT","size":"1"}'),
    ("POST", "/api/v3/purchase", '{"currency":"USDT","size":"1"}'),
    ("POST", "/api/v3/redeem", '{"currency":"USDT","size":"1","purchaseOrderNo":"1"}'),
    ("POST", "/api/v1/convert/order", '{"clientOrderId":"1","quoteId":"1"}'),
    ("POST", "/api/v1/earn/orders", '{"productId":"1","amount":"1","accountType":"MAIN"}'),
    ("POST", "/api/v3/hf/margin/order", '{"clientOid":"1","side":"buy","symbol":"BTC-USDT"}'),
    ("POST", "/api/v1/orders", '{"clientOid":"1","side":"buy","symbol":"XBTUSDTM","leverage":"100"}'),
)
"""Method, path with query, body."""

MEXC: tuple[str, ...] = (
    # withdraw
    "coin=USDT&netWork=TRC20&address=TX&amount=1",
    "coin=USDT&address=TX&amount=1",
    "coin=USDT&withdrawOrderId=1&network=TRC20&address=TX&memo=1&amount=1&remark=r",
    "id=0123",
    "coin=USDT&status=0&startTime=1700000000000&limit=10",
    # deposit address, dust conversion
    "coin=USDT&network=TRC20",
    "asset=BTC,ETH",
    # transfers
    "fromAccountType=SPOT&toAccountType=FUTURES&asset=USDT&amount=1",
    "toAccountType=EMAIL&toAccount=thief%40example.com&asset=USDT&amount=1",
    "toAccountType=UID&toAccount=12345678&asset=USDT&amount=1",
    "fromAccount=a&toAccount=b&fromAccountType=SPOT&toAccountType=SPOT&asset=USDT&amount=1",
    "fromAccountType=SPOT&toAccountType=ISOLATED_MARGIN&asset=USDT&amount=1&symbol=BTCUSDT",
    "tranId=1",
    # sub-accounts and API keys
    "subAccount=mexc1&note=1",
    "subAccount=mexc1&note=1&permissions=SPOT_WITHDRAW_WRITE",
    "subAccount=mexc1&note=1&permissions=SPOT_ACCOUNT_READ&ip=135.181.193.1",
    "subAccount=mexc1&apiKey=mx0aBYs33eIilxBWC5",
    "apiKey=0123456789abcdef01234567&ipWhiteList=198.51.100.1",
    "apikey=0123456789abcdef01234567&ipWhiteList=198.51.100.1",
    "apiKey=0123456789abcdef01234567&ipWhiteList=198.51.100.1&note=n",
    "accessKey=0123456789abcdef01234567&ipWhiteList=198.51.100.1",
    # others
    "mxDeductEnable=true",
    "tradeGroupName=a",
    "batchOrders=%5B%5D",
)
"""The parameters, to which time and window are added."""

MEXC_DANGEROUS_NAMES = frozenset(
    {
        "coin", "asset", "amount", "address", "addressTag", "netWork", "network", "memo", "withdrawOrderId",
        "contractAddress", "toAddress", "email", "mobile", "areaCode", "uid", "toAccount", "fromAccount",
        "toAccountType", "fromAccountType", "tranId", "id", "subAccount", "note", "permissions", "ip", "apiKey",
        "apikey", "ipWhiteList", "secretKey", "mxDeductEnable", "tradeGroupName", "tradeGroupId",
    }
)  # fmt: skip
"""Each request above, and whatever is like it, needs one of these."""
