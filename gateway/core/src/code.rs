//! Refusal codes: declared once, with status and message in both languages.
//!
//! The leading digit is the stage that refuses (DESIGN §2), so precedence is pipeline order; `C0xx` is the gate
//! itself: what reached it was not yet a call, or the gate cannot serve. `C1xxx` is the control plane. Every code has a page in `docs/errors/`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Lang;

macro_rules! codes {
    ($($name:ident $status:literal $zh:literal $en:literal;)*) => {
        /// A stable refusal code. Messages never hold data of the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each code's meaning is its message and its page in docs/errors")]
        pub enum Code { $($name,)* }

        impl Code {
            /// Every code, in order of precedence.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code's name, `C401`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The HTTP status the caller sees.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One sentence for people: what happened.
            #[must_use]
            pub const fn title(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::Zh) => $zh, (Self::$name, Lang::En) => $en,)*
                }
            }
        }
    };
}

codes! {
    C001 400 "请求的分帧有歧义，连接已关闭" "The request's framing is ambiguous; the connection is closed";
    C002 400 "请求路径有歧义" "The request path is ambiguous";
    C003 413 "请求正文过大" "The request body is too large";
    C004 431 "请求头过大或过多" "The request header is too large or has too many fields";
    C005 408 "请求未在时限内到齐" "The request did not arrive in time";
    C006 404 "没有这个地址" "There is nothing at this address";
    C007 405 "该地址不支持此方法" "This address does not support the method";
    C008 411 "请用 Content-Length 声明正文长度" "State the body's length with Content-Length";
    C009 400 "请求头不合规范或重复" "A request header is malformed or repeated";
    C010 429 "该地址未经识别的请求过多" "Too many requests from this address name no valid credential";
    C011 429 "该地址未到齐的请求或占用的内存过多" "Too many unfinished requests, or bytes of them, from this address";
    C090 503 "调用日志无法落盘，暂停服务" "The call journal cannot be written; nothing is served";
    C091 503 "网关正在有序停机" "The gateway is draining";
    C092 503 "网关繁忙，请稍后重试" "The gateway is at its limit; try again shortly";
    C093 500 "网关内部故障" "A fault inside the gateway";
    C094 503 "未到齐的请求过多，请稍后重试" "Too many requests are still arriving; try again shortly";
    C096 503 "未到齐请求的内存额度已用完，请稍后重试" "The memory for unfinished requests is used up; try again shortly";
    C097 429 "本单位的幂等键已达上限" "This unit has used as many idempotency keys as it may";

    C101 401 "请求没有签名" "The request is not signed";
    C102 401 "签名头不合规范" "The signature headers are malformed";
    C103 401 "凭据或签名无效" "The credential or the signature is not valid";
    C104 401 "签名时间不在允许窗口内" "The signature's time is outside the permitted window";
    C105 401 "请求被重放" "The request was replayed";
    C106 401 "凭据已过期、尚未生效或已吊销" "The credential has expired, is not yet valid, or was revoked";
    C107 401 "来源地址不在凭据的白名单内" "The source address is not on the credential's allow-list";
    C108 401 "正文摘要与正文不符" "The content digest does not match the body";
    C109 503 "防重放表已满，请稍后重试" "The replay table is full; try again shortly";
    C110 429 "该凭据的签名请求过于频繁" "Too many signed requests with this credential";
    C111 429 "本单位的防重放表已满，请稍后重试" "This unit's replay table is full; try again shortly";
    C114 401 "该凭据不得使用简易签名第 1 版" "The credential may not sign by version 1 of the simple profile";
    C115 401 "签名没有覆盖决定调用的请求头" "The signature does not cover a header that decides the call";

    C201 403 "没有可供调用的该产品或操作" "No such product or operation is offered";
    C202 403 "产品没有有效的登记凭证" "The product has no valid registration certificate";
    C203 403 "请求没有指明应用场景" "The request names no scenario";
    C204 403 "该场景未获批准或已到期" "The scenario is not approved, or its term has ended";
    C205 403 "授权协议未生效或已到期" "The agreement is not in force";
    C206 403 "没有对该产品和操作的授权" "There is no grant for this product and operation";
    C207 403 "授权不在有效期内" "The grant is outside its window";
    C208 403 "已被暂停" "Suspended";
    C209 403 "产品没有有效的出域审查" "No exit review speaks for the product as it is";
    C210 403 "该产品没有沙箱" "The product has no sandbox";

    C301 422 "请求正文不是合规的 JSON" "The request body is not well-formed JSON";
    C302 422 "请求不符合产品的输入合约" "The request does not meet the product's input contract";
    C303 422 "请求的内容类型不受支持" "The request's content type is not supported";
    C304 422 "请求嵌套过深或数值超出范围" "The request is nested too deeply or holds a number out of range";
    C305 422 "主体标识不合规范（校验位或格式）" "The subject's identifier is not valid (check character or form)";
    C306 422 "请求中有重复的键" "The request repeats a key";
    C307 422 "不接受查询参数" "Query parameters are not accepted here";
    C308 409 "同一幂等键已用于另一请求" "The idempotency key was used for another request";
    C309 409 "同一幂等键的请求仍在处理" "A request with this idempotency key is still in progress";
    C310 422 "盲化元素不是有效的群元素" "A blinded element is not a valid group element";
    C311 422 "盲化密钥已换期" "The key of blinded requests has a new epoch";
    C312 422 "请求的字节数或值的个数超过输入合约的上限" "The request has more bytes or values than an input contract may take";
    C313 422 "检查请求所需的步数超过上限" "Checking the request takes more steps than are permitted";

    C401 403 "该产品须有个人授权" "The product requires the person's consent";
    C402 403 "授权令牌不合规范" "The consent token is malformed";
    C403 403 "授权令牌的签发方或签名无效" "The consent token's issuer or signature is not valid";
    C404 403 "授权令牌未生效或已过期" "The consent token is not yet valid or has expired";
    C405 403 "授权不涵盖本次调用" "The consent does not cover this call";
    C406 403 "授权属于另一主体" "The consent belongs to another subject";
    C407 403 "授权次数已用完" "The consent's uses are exhausted";
    C408 403 "授权已被撤回" "The consent was withdrawn";
    C409 403 "不接受一揽子或无期限的授权" "A blanket or open-ended consent is not accepted";
    C410 503 "撤回信息不够新，暂不提供须授权的产品" "The withdrawal feed is stale; consented products are not served";
    C411 403 "收窄的授权不得宽于原授权" "The narrower consent is wider than the one it was derived from";
    C412 403 "该产品涉及商业秘密，须有企业授权" "The product holds business secrets and requires the enterprise's authorisation";

    C501 429 "调用过于频繁" "Too many calls";
    C502 429 "并发调用过多" "Too many calls at once";
    C503 429 "授权的配额已用完" "The grant's quota is exhausted";
    C504 429 "疑似异常使用，已限速" "The use looks abnormal and is slowed down";

    C601 403 "该人群的隐私预算已用完" "The person-space's privacy budget is exhausted";
    C602 403 "数据集的隐私预算已用完" "The data set's privacy budget is exhausted";
    C603 403 "该单位在此场景的隐私配额已用完" "The unit's privacy quota in this scenario is exhausted";
    C604 403 "单次查询的隐私开销超过上限" "The query's privacy charge is above the limit for one query";
    C605 403 "查询超出公开的取值域" "The query reaches outside the public domain";
    C606 403 "没有为该数据设定隐私预算" "No privacy budget is defined for this data";
    C607 429 "隐私配额花费过快" "The privacy quota is being spent faster than its pace";
    C608 403 "该人群的隐私计量单位与已入账的不符" "The person-space has counted in another privacy measure";
    C609 429 "同一查询正在得出结果" "The same query is being answered at this moment";
    C610 403 "该操作没有查询计划" "The operation has no query plan";

    C701 403 "没有生效的价格" "No price is in force";
    C702 403 "同时有多个价格生效" "More than one price is in force";
    C703 403 "价格高于政府上限" "The price is above the government's ceiling";
    C704 402 "余额或信用额度不足" "The balance or credit is not enough";
    C705 403 "金额超出可计范围" "The amount is beyond what can be counted";
    C706 403 "产品没有有效的交易机构挂牌" "The product has no listing in force at a data exchange";

    C801 502 "产品服务无法连接" "The product service cannot be reached";
    C802 504 "产品服务未在时限内答复" "The product service did not answer in time";
    C803 502 "产品服务中途断开" "The product service closed the connection";
    C804 502 "产品服务报错" "The product service reported an error";
    C805 502 "产品服务的答复过大" "The product service's answer is too large";
    C806 503 "没有健康的产品服务" "No product service is healthy";
    C807 408 "调用方在答复前断开" "The caller left before the answer";
    C808 503 "产品服务的地址不在允许的出站范围内" "The product service's address is outside what the configuration allows";
    C809 502 "产品服务未能证明其身份" "The product service did not prove what it is";

    C901 502 "答复不符合产品的输出合约" "The answer does not meet the product's output contract";
    C902 502 "无法核验：产品服务的结果未登记" "Cannot verify: the product service's result is not mapped";
    C903 403 "处理期间授权被撤回或暂停" "Consent was withdrawn or access suspended during the call";
    C904 416 "请求的范围无法满足" "The requested range cannot be satisfied";

    C1001 400 "请求不是合规的 JSON 或参数" "The request is not well-formed JSON, or a parameter is wrong";
    C1002 422 "提交的内容有错误" "What was submitted has faults";
    C1003 404 "没有这个对象" "There is no such object";
    C1004 409 "已有同名对象" "An object of this name exists already";
    C1005 412 "对象已被他人修改，请重新读取" "The object was changed by someone else; read it again";
    C1006 428 "请用 If-Match 指明所依据的版本" "State the version you act on with If-Match";
    C1007 409 "对象当前状态不允许此操作" "The object's present state does not allow this act";
    C1008 409 "对象仍被引用" "The object is still referred to";
    C1009 409 "同一幂等键已用于另一请求" "The idempotency key was used for another request";
    C1010 413 "内容超过大小上限" "The content is above the size limit";
    C1011 415 "请求的内容类型不受支持，请用 JSON" "The request's content type is not supported; send JSON";
    C1012 406 "只提供 JSON 答复" "Only JSON answers are offered";
    C1013 409 "与登记簿中其他内容冲突" "It clashes with something else in the register";
    C1014 409 "测试凭据不能改作正式凭据" "A test credential stays one";
    C1015 409 "该凭据已有密钥，轮换请另立凭据" "The credential has its secret; declare another one to rotate";
    C1016 409 "该凭据不使用共享密钥" "The credential uses no shared secret";
    C1017 409 "预留的隐私配额超过该人群的上限" "Reserved privacy quotas would pass the person-space's cap";
    C1018 503 "已受理并记录，本节点尚未生效" "The act is recorded and not in force on this node yet";
    C1019 503 "暂时无法判断能否生效，请稍后重试" "Whether this can be in force cannot be told now; try again shortly";
    C1020 409 "已吊销或已到期的凭据不能恢复" "A credential that was revoked or has ended does not come back";
    C1021 409 "该公钥属于另一凭据或已停用" "The public key is another credential's, or was given up";
    C1022 403 "生效中的凭据只能由其应用单位修改" "Only its unit changes a credential in force";
    C1023 403 "密钥只签发给应用单位的人员" "A secret is issued to a person of the application unit only";
    C1024 422 "持有证明不成立" "The proof of possession does not hold";

    C1101 401 "请先登录" "Sign in first";
    C1102 401 "登录名、口令或动态码不正确" "The name, password or one-time code is not right";
    C1103 429 "登录失败次数过多，账号暂时锁定" "Too many failed sign-ons; the account is locked for a while";
    C1104 403 "账号没有此项权限" "The account may not do this";
    C1105 403 "不得办理自己申请或经手的事项" "Nobody decides on what they applied for or handled before";
    C1106 403 "令牌的范围不含此操作" "The token's scope does not cover this act";
    C1107 422 "口令不符合要求" "The password does not meet the rules";
    C1108 403 "请求缺少防跨站标记" "The request lacks the mark against cross-site forgery";
    C1109 503 "身份提供方暂时无法使用" "The identity provider cannot be used at present";
    C1110 403 "账号须先启用动态码" "The account must enrol one-time codes before anything else";
    C1111 403 "须由另一机构的人员确认" "Somebody of another organisation must confirm this";
    C1112 409 "账号办件已办结或已过期" "The request about the account is decided or over";
    C1113 401 "邀请链接或确认码无效" "The invitation or its code is not valid";
    C1114 422 "这些角色不得由一人兼任" "One person may not hold these roles together";
    C1115 503 "邀请无法送达" "The invitation could not be delivered";
    C1116 429 "待确认的账号办件过多" "Too many requests about accounts wait to be decided";
    C1117 409 "不得停用主管部门的最后一个账号" "The authority's last open account stays open";
    C1118 409 "该机构此类对象已达数量上限" "The organisation has as many objects of this kind as it may";

    C1201 409 "缺件已一次性告知过" "What is missing was told once already";
    C1202 422 "没有可作为凭证期限的授权期限" "There is no authorised term left for a certificate";
    C1203 409 "现在不能续展" "The certificate cannot be renewed now";
    C1204 409 "公示期未满" "The publicity period is not over";
    C1205 409 "有未决的异议" "An objection is open";
    C1206 409 "审查意见不支持通过" "The review does not support approval";
    C1207 404 "没有这项未决的异议" "There is no such open objection";
    C1208 409 "未决的异议过多" "Too many objections are open";
    C1209 422 "本地不登记此类产品" "This jurisdiction does not register products of this form";
    C1210 409 "重复登记" "It is registered already, or being registered";

    C1301 422 "协议期限超过规则允许的最长期限" "The agreement's term is longer than the rules permit";
    C1302 422 "本地规则不采用这种授权模式" "The jurisdiction does not use this mode of authorisation";
    C1303 409 "数据提供单位或共享来源尚未全部同意" "Not every provider or source has agreed yet";
    C1304 403 "本单位不是该办件的相关方" "Your organisation is not asked in this case";
    C1305 409 "还没有专家意见" "There is no expert's opinion yet";
    C1308 422 "授权超出场景或协议的期限" "The grant reaches outside the term of its scenario or agreement";
    C1309 409 "所依据的场景或协议没有生效" "The scenario or agreement it rests on is not in force";
    C1310 409 "尚未到可以重新申请的时间" "It is too early to apply again";
    C1311 409 "移交或销毁尚未完成" "Records are not handed over or data not destroyed yet";
    C1312 422 "整改期限须在将来" "The term for rectification must lie in the future";
    C1313 403 "不得代其他机构申请" "You may not apply for another organisation";

    C1401 403 "只有数据主管部门可以提出非紧急的暂时关闭" "Only the authority orders a suspension that is no emergency";
    C1402 409 "整改期限未到且未反馈整改，不能终止" "Rectification is still open; it cannot be terminated";
    C1403 409 "产品内容已变，须重新审查" "The product has changed since it was submitted for review";
    C1404 409 "审查意见不齐或不利，不能通过" "The findings do not permit to pass the product";
    C1405 409 "不在批准的导入时间内" "The import was approved for another time";
    C1406 403 "运营机构只能关闭自己的产品及其服务的应用单位" "An operator stops its own products and the units it serves only";

    C1501 409 "账号尚未完成本人实名核验" "The account is not bound to a person yet";
    C1502 403 "只能处理本人的授权" "Consents are given and taken over by the person themselves only";
    C1503 503 "平台的授权签发密钥尚未登记生效" "The platform's key for consents is not registered and in force";
    C1504 409 "账号或本人已经绑定" "The account, or the person, is bound already";
    C1550 409 "没有可退还的隐私扣减" "There is no privacy charge of a failed call to give back";
    C1551 409 "退还将超过本期上限" "Refunds of this person-space would pass their limit";

    C1600 409 "账期尚未软结" "The period has not been soft-closed";
    C1601 403 "软结与结账须由不同的两人完成" "Soft-closing and closing are done by two different persons";
    C1602 409 "账期已结账，不可更改" "The period is closed and does not change";
    C1603 409 "宽限期未满，尚不可结账" "The time of grace has not passed";
    C1604 422 "该账期无法结账" "The period cannot be closed";
    C1605 409 "较早的账期尚未结账" "An earlier period is still open";
    C1606 409 "计量记录有缺口或尚未到齐" "Metering has a gap or has not caught up";
    C1607 409 "同一键已记另一笔分录" "The key names another transaction";
    C1608 422 "分录不平或科目不符" "The transaction does not balance, or its accounts may not face each other";
    C1610 409 "结算单当前状态不允许此操作" "The statement's present state does not allow this";
    C1611 409 "账期所属月份尚未结束" "The month is not over";
    C1612 409 "已生效的价格与上限只增不改" "Prices and ceilings that have been in force are only added to";
    C1613 413 "行数超过一次答复的上限，请用导出" "More rows than one answer holds; export them";
    C1614 403 "提出与批准须由不同的两人完成" "Proposing and approving are done by two different persons";
    C1615 409 "重新计费已批准，或结果与提出时不同" "The re-rating is approved already, or comes to something else by now";
    C1616 422 "价格与上限不得自过去生效" "A price or ceiling may not begin in the past";

    C1650 422 "有字符不能用 GB 18030 表示" "A character cannot be held by GB 18030";
    C1651 422 "有单元格超出该格式的容量" "A cell is beyond what this format holds";
    C1652 422 "数据量超出该格式一个文件的容量" "More than one file of this format holds";
    C1653 422 "不是完整的导出文件" "The file is not a whole export";
    C1654 422 "导出文件的某行已被改动" "A row of the export has been altered";
    C1655 422 "控制总数与各行不符" "A control total does not agree with the rows";

    C1701 404 "没有这份存证" "There is no such receipt";
    C1702 503 "尚未有检查点涵盖本次调用，请稍后重试" "No checkpoint covers this call yet; try again shortly";
    C1703 503 "存证日志暂时无法提供" "The evidence log cannot be read at present";
    C1711 503 "存证日志正由另一进程写入" "Another process writes the evidence log";
    C1712 503 "目录中是另一来源或另一密钥的存证日志" "The folder holds the evidence log of another origin or key";
    C1713 503 "存证日志的文件已损坏" "A file of the evidence log is damaged";
    C1714 503 "调用日志与存证日志不符" "The call journal and the evidence log disagree";
    C1715 503 "存证日志无法写入磁盘" "The evidence log cannot be written";
    C1716 503 "存证日志的签名密钥无法使用" "The signing key of the evidence log cannot be used";
    C1717 503 "存证日志的外部锚定中断过久，暂停服务" "The evidence log has not been anchored outside for too long";
    C1730 404 "没有可追溯的这次调用" "There is no such call to be traced";
    C1731 422 "追溯的范围过大，请缩小" "The question reaches too far; narrow it";
    C1732 503 "配置的留存期限低于法定下限" "Records would be kept for less than the law demands";
    C1733 409 "该半年的记录尚不能封存或销毁" "This half-year cannot be sealed or destroyed now";
    C1734 403 "销毁须由申请人以外的另一人确认" "A destruction is confirmed by another person than asked for it";
    C1735 409 "没有待确认的销毁，或已经销毁" "No destruction waits to be confirmed, or it is done";
    C1736 409 "该半年的存证日志未通过校验" "The log of this half-year does not check";
    C1740 503 "登记簿与其行为记录不符" "The register is not what its acts made it";
    C1741 503 "投影被其他程序改动" "The projection was changed by another program";
    C1742 503 "数据目录的权限或文件种类不安全" "A file of the data folder is open to others, or is not a file";
}

impl Code {
    /// The stage that refuses with this code: 1–9, 0 for the gate itself, 10 and more for the control plane.
    #[must_use]
    pub fn stage(self) -> u8 {
        u8::try_from(self.number() / 100).expect("a number has at most four digits and begins with 1 then")
    }

    /// The number after the `C`, as the journal keeps it.
    #[must_use]
    pub fn number(self) -> u16 {
        self.as_str()[1..].parse().expect("a code is C and digits")
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a refusal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refusal code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

/// An expected refusal: the caller's to mend, with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// Where in the request the fault lies: a JSON pointer or header name, never a value.
    pub at: Option<String>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// How many bytes the package has whose range was asked for outside of it (RFC 9110 §15.5.17).
    pub package_bytes: Option<u64>,
}

impl Refusal {
    /// A refusal with a place in the request.
    #[must_use]
    pub fn at(code: Code, place: impl Into<String>) -> Self {
        Self { at: Some(place.into()), ..Self::from(code) }
    }

    /// A refusal that says when to try again.
    #[must_use]
    pub fn retry(code: Code, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::from(code) }
    }

    /// A refusal of a range outside a package of so many bytes.
    #[must_use]
    pub fn outside(code: Code, package_bytes: u64) -> Self {
        Self { package_bytes: Some(package_bytes), ..Self::from(code) }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, at: None, retry_after: None, package_bytes: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.code.title(Lang::En))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses per stage, as DESIGN §2 promises them.
    #[test]
    fn statuses_follow_the_stage() {
        for &code in Code::ALL {
            let allowed: &[u16] = match code.stage() {
                0 => &[400, 404, 405, 408, 411, 413, 429, 431, 500, 503],
                1 => &[401, 429, 503],
                2 => &[403],
                3 => &[409, 422],
                4 => &[403, 503],
                5 => &[429],
                6 => &[403, 429],
                7 => &[402, 403],
                8 => &[408, 502, 503, 504],
                9 => &[403, 416, 502],
                10.. => &[400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428, 429, 503],
            };
            assert!(allowed.contains(&code.status()), "{code} has {}", code.status());
        }
    }

    #[test]
    fn codes_are_in_order_and_read_back() {
        assert!(Code::ALL.is_sorted());
        for &code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
        assert!("C999".parse::<Code>().is_err());
    }
}
